"""How near images come to their originals: PSNR, SSIM and MS-SSIM of each, as super-resolution reports them."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_flag, check_no_levels, check_number, pixels_hint, refusal
from keras_dl.types import Tensor

_LUMA = (65.481, 128.553, 24.966)  # ITU-R BT.601 of red, green and blue in [0, 1], in 16 to 235
_BLACK = 16.0
WINDOW, _STDDEV = 11, 1.5  # Wang et al. 2004, section III.C
_COARSEST = 4  # halvings of the five scales of Wang et al. 2003
CHANNELS = ("y", "all")


def luma(images: Tensor) -> Tensor:
    r"""Returns the luma of images in [0, 1], $Y = (16 + 65.481 R + 128.553 G + 24.966 B) / 255$ (ITU-R BT.601).

    Grey images are taken as they are.

    Args:
        images: Float tensor `(..., 3)` or `(..., 1)`.

    Returns:
        Float32 tensor `(..., 1)`, of colours from 16/255 to 235/255.

    Example:

    >>> [round(255 * float(luma(np.full((1, 1, 3), grey, "float32"))[0, 0, 0])) for grey in (0, 1)]
    [16, 235]
    """
    x = tf.cast(images, tf.float32)
    if x.shape[-1] == 1:
        return x
    if x.shape[-1] != 3:
        raise refusal("Images should have 1 or 3 channels", f"shape {x.shape}")
    return (tf.tensordot(x, tf.constant(_LUMA), [[-1], [0]])[..., None] + _BLACK) / 255.0


def peak_signal_noise_ratio(
    images: Tensor, references: Tensor, shave: int = 0, channels: str = "y", rounded: bool = True
) -> Tensor:
    r"""Returns the peak signal-to-noise ratio of each image, $10 \log_{10}(1 / \text{MSE})$ in decibels.

    The field's figures are of the luma, the border shaved by the scale, of images rounded to 256 levels, as files hold
    them.

    Args:
        images: Float tensor `(rows, height, width, channels)` in [0, 1].
        references: What they should be, of the same shape.
        shave: Pixels of the border that do not count.
        channels: `"y"` for the luma (see `luma`), `"all"` for the channels as they are.
        rounded: Whether images are clipped and rounded to 256 levels first.

    Returns:
        Float32 tensor `(rows,)`; 100 for equal images.

    Raises:
        ValueError: If shapes differ, references lie outside of [0, 1], images are of 0 to 255, or nothing is left
            within the border.

    Example:

    >>> x = np.full((1, 8, 8, 1), 0.5, "float32")
    >>> round(float(peak_signal_noise_ratio(x + 0.1, x, rounded=False)[0]), 3)
    20.0
    """
    a, b = _prepared(images, references, shave, channels, rounded)
    errors = tf.reduce_mean(tf.math.squared_difference(a, b), [1, 2, 3])
    return -10.0 * tf.math.log(tf.maximum(errors, 1e-10)) / tf.math.log(10.0)


def structural_similarity(
    images: Tensor, references: Tensor, shave: int = 0, channels: str = "y", rounded: bool = True
) -> Tensor:
    """Returns the structural similarity of each image (Wang et al. 2004), averaged over windows of 11 pixels.

    Windows are Gaussian of deviation 1.5 and lie within the image; variances divide by the sum of the weights.

    Args:
        images, references, shave, channels, rounded: See `peak_signal_noise_ratio`.

    Returns:
        Float32 tensor `(rows,)`; 1 for equal images.

    Raises:
        ValueError: If shapes differ, references lie outside of [0, 1], or images are smaller than a window within the
            border.

    Example:

    >>> x = np.random.default_rng(0).random((1, 16, 16, 1))
    >>> round(float(structural_similarity(x, x)[0]), 4)
    1.0
    """
    a, b = _prepared(images, references, shave, channels, rounded)
    _check_size(a, WINDOW)
    return tf.image.ssim(a, b, 1.0, filter_size=WINDOW, filter_sigma=_STDDEV)


def multiscale_structural_similarity(
    images: Tensor, references: Tensor, shave: int = 0, channels: str = "y", rounded: bool = True
) -> Tensor:
    """Returns the multi-scale structural similarity of each image (Wang et al. 2003), of five scales.

    Args:
        images, references, shave, channels, rounded: See `peak_signal_noise_ratio`.

    Returns:
        Float32 tensor `(rows,)`; 1 for equal images.

    Raises:
        ValueError: If shapes differ, references lie outside of [0, 1], or images have fewer than 176 pixels per side
            within the border.

    Example:

    >>> x = np.random.default_rng(0).random((1, 176, 176, 1))
    >>> round(float(multiscale_structural_similarity(x, x)[0]), 4)
    1.0
    """
    a, b = _prepared(images, references, shave, channels, rounded)
    _check_size(a, WINDOW << _COARSEST)
    return tf.image.ssim_multiscale(a, b, 1.0, filter_size=WINDOW, filter_sigma=_STDDEV)


def feature_distance(images: Tensor, references: Tensor, features: Callable) -> Tensor:
    """Returns the distance of each image in the features of a network, in the manner of LPIPS (Zhang et al. 2018).

    Features are normalised per place, and squared differences averaged over places and summed over channels, without
    learned weights: the figure says something only beside the name of the network.

    Args:
        images, references: Float tensors `(rows, height, width, channels)`, as the network takes them.
        features: Keras model from images to one map of features, or a list of them.

    Returns:
        Float32 tensor `(rows,)`; 0 for equal images.

    Example:

    >>> network = keras_dl.networks.espcn((8, 8, 1), 1, (4,), (3, 3))
    >>> x = np.random.default_rng(0).random((2, 8, 8, 1))
    >>> feature_distance(x, x, network).numpy().tolist()
    [0.0, 0.0]
    """
    _check_pair(images, references)
    maps = zip(*(_maps(features(tf.cast(x, tf.float32), training=False)) for x in (images, references)), strict=True)
    return tf.add_n([_mean_over_places(tf.reduce_sum(tf.math.squared_difference(a, b), -1)) for a, b in maps])


def _maps(outputs):
    return [tf.math.l2_normalize(tf.cast(x, tf.float32), -1, 1e-10) for x in tf.nest.flatten(outputs)]


def _mean_over_places(values):
    return tf.reduce_mean(tf.reshape(values, [tf.shape(values)[0], -1]), -1)


def _check_pair(images, references):
    if np.shape(images) != np.shape(references) or len(np.shape(images)) != 4:
        text = "Images and references should be of one shape (rows, height, width, channels)"
        raise refusal(text, f"{tuple(np.shape(images))} and {tuple(np.shape(references))}")


def _check_unit(references):
    """Refuses references that are no images in [0, 1], whose levels 1 to 255 would all be white."""
    if tf.is_symbolic_tensor(references):
        return
    x = np.asarray(references)
    if x.size and (x.min() < -1e-3 or x.max() > 1.0 + 1e-3):
        received = f"values from {float(x.min()):g} to {float(x.max()):g}"
        raise refusal(f"References should lie in [0, 1]{pixels_hint(float(x.max()))}", received)


def _prepared(images, references, shave, channels, rounded):
    """Both as they are compared."""
    _check_pair(images, references)
    if channels not in CHANNELS:
        raise refusal(f"`channels` should be one of {CHANNELS}", channels=channels)
    check_flag(rounded, "rounded")
    shave = check_count(shave, "shave", least=0)
    _check_unit(references)
    if not tf.is_symbolic_tensor(images):
        check_no_levels(images, "Images")
    pair = [tf.cast(x, tf.float32) for x in (images, references)]
    if rounded:
        pair = [tf.round(255.0 * tf.clip_by_value(x, 0.0, 1.0)) / 255.0 for x in pair]
    if channels == "y":
        pair = [luma(x) for x in pair]
    height, width = pair[0].shape[1:3]
    check_number(min(height, width) - 2 * shave, "size within the border", least=1)
    return [x[:, shave : height - shave, shave : width - shave] for x in pair]


def _check_size(x, least):
    if min(x.shape[1:3]) < least:
        raise refusal(f"Images should have {least} pixels per side at least within the border", f"{x.shape[1:3]}")
