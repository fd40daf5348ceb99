"""The critic of patches of pix2pix and CycleGAN (Isola et al. 2017)."""

import keras

from keras_dl.checks import check_count, refusal
from keras_dl.networks import enlarging
from keras_dl.networks.registry import register
from keras_dl.networks.translation import SLOPE, check_normalization, normalized, weights
from keras_dl.types import Shape

_MOST = 8  # times the first channels, how many there are at most


@register()
def patch_critic(
    input_shape: Shape = (None, None, 3),
    source_channels: int | None = None,
    filters: int = 64,
    num_layers: int = 3,
    normalization: str | None = "batch",
    name: str = "patch_critic",
) -> keras.Model:
    """Builds a critic that judges patches: images to a map of logits, one for each patch (Isola et al. 2017).

    Convolutions of 4 with one pixel of zeros around: `num_layers` of stride 2, two of stride 1. One, three and five
    layers see patches of 16, 70 and 286 pixels, as published; none is the paper's critic of pixels, of convolutions of
    1. No normalisation in the first. With the defaults and a source of three channels, 2,768,705 parameters.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`; sizes may be `None`. With layers, images have three
            pixels per side at least for a patch, twice as many for each layer.
        source_channels: For a critic of pairs: channels of the image that was translated; `None` for none.
        filters: Channels of the first convolution; they double up to eight times as many.
        num_layers: Convolutions of stride 2.
        normalization: `"batch"`, `"instance"` (CycleGAN) or `None`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images, or from a dict `{"x": ..., "source": ...}` of images, to logits
        `(batch, rows, columns, 1)`.

    Raises:
        ValueError: If an argument is out of range, or images are smaller than a patch.

    Example:

    >>> patch_critic((256, 256, 3), filters=4).output_shape
    (None, 30, 30, 1)
    """
    shape, filters = enlarging.image_shape(input_shape), check_count(filters, "filters")
    num_layers = check_count(num_layers, "num_layers", least=0)
    check_normalization(normalization)
    _check_sides(shape, num_layers)
    inputs = x = keras.Input(shape, name="x")
    if source_channels is not None:
        channels = check_count(source_channels, "source_channels")
        source = keras.Input((*shape[:2], channels), name="source")
        x = keras.layers.Concatenate(name="pair")([source, x])
        inputs = {"x": inputs, "source": source}
    kernel, stride = (4, 2) if num_layers else (1, 1)
    for number in range(max(num_layers, 1)):
        width = filters * min(2**number, _MOST)
        x = _block(x, width, kernel, stride, normalization if number else None, f"conv_{number + 1}", number == 0)
    width = filters * min(2 ** max(num_layers, 1), _MOST)
    x = _block(x, width, kernel, 1, normalization, f"conv_{max(num_layers, 1) + 1}")
    return keras.Model(inputs, _conv(x, 1, kernel, 1, True, "score"), name=name)


def _check_sides(shape, num_layers):
    """Refuses images of which not one patch is left: each stride halves them, and two more convolutions take two."""
    least = 3 << num_layers if num_layers else 1
    if any(size is not None and size < least for size in shape[:2]):
        text = f"`input_shape` should have sides of at least {least} for {num_layers} layers"
        raise refusal(text, input_shape=shape)


def _block(x, filters, kernel, stride, normalization, name, first=False):
    x = _conv(x, filters, kernel, stride, first or normalization is None, name)
    return keras.layers.LeakyReLU(SLOPE, name=f"{name}_activation")(normalized(x, normalization, name))


def _conv(x, filters, kernel, stride, use_bias, name):
    if kernel > 1:
        x = keras.layers.ZeroPadding2D(1, name=f"{name}_padding")(x)
    options = {"strides": stride, "use_bias": use_bias, "kernel_initializer": weights(), "name": name}
    return keras.layers.Conv2D(filters, kernel, **options)(x)
