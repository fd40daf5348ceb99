"""Adaptive augmentation of what a critic sees."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_number, refusal
from keras_dl.configurable import Configurable
from keras_dl.objectives import augmentation_transforms as transforms
from keras_dl.types import Tensor

KINDS = ("blit", "geometric", "colour")


@keras.saving.register_keras_serializable(package="keras_dl")
class AdaptiveAugmentation(Configurable):
    r"""Transforms of data and of samples alike, each with a probability $p$ that follows the critic's overfitting
    (Karras et al. 2020, "Training generative adversarial networks with limited data").

    Three groups of changes, each of which happens to a sample with probability $p$ (appendix B):

    - `"blit"`: mirror images, quarter turns, shifts by whole pixels;
    - `"geometric"`: scale, rotation, stretching along one axis, shifts by parts of pixels;
    - `"colour"`: brightness, contrast, inverted greys, hue and saturation.

    All are differentiable. Images are read by bilinear interpolation and mirrored at their borders.

    $$r_t = \mathbb{E}[\operatorname{sign} f(x)], \qquad p \leftarrow p + \operatorname{sign}(r_t - r) \frac{n}{N}$$

    after a step of $n$ samples, with $p$ within $[0, 1]$ and $r_t$ the moving average over about four steps.

    Args:
        target: $r$, the share of data whose scores are positive, less that of the others.
        images: $N$, after how many samples $p$ can reach 1 at the earliest.
        start: $p$ at the start.
        center: The middle of the range of data, about which contrast changes.
        half_range: Half of the range of data, in which brightness is measured: 0.5 for data in [0, 1].
        kinds: The groups of changes.

    Raises:
        ValueError: If an argument is out of range, or a group is unknown.

    Example:

    >>> p, rate = AdaptiveAugmentation(target=0.6, images=100.0).next(tf.constant([0.5, 0.9]), tf.constant([4.0, 4.0]))
    >>> round(float(p), 2), round(float(rate), 3)    # 0.75 x 0.9 + 0.25 x 1 is above 0.6
    (0.54, 0.925)
    """

    momentum = 0.75

    def __init__(
        self,
        target: float = 0.6,
        images: float = 500_000.0,
        start: float = 0.0,
        center: float = 0.5,
        half_range: float = 0.5,
        kinds: Sequence[str] = KINDS,
    ):
        self.target = check_number(target, "target", least=-1, most=1)
        self.images = check_number(images, "images", above=0)
        self.start = check_number(start, "start", least=0, most=1)
        self.center = check_number(center, "center")
        self.half_range = check_number(half_range, "half_range", above=0)
        if not isinstance(kinds, (tuple, list)) or not kinds or any(kind not in KINDS for kind in kinds):
            raise refusal(f"`kinds` should be some of {KINDS}", kinds=kinds)
        self.kinds = tuple(kinds)

    def next(self, state: Tensor, summed: Tensor) -> Tensor:
        """The next `[p, r_t]`, given the last and the sums over a batch of the signs of scores and of ones."""
        rate = state[1] + (1.0 - self.momentum) * (tf.math.divide_no_nan(summed[0], summed[1]) - state[1])
        change = tf.sign(rate - self.target) * summed[1] / self.images
        return tf.stack([tf.clip_by_value(state[0] + change, 0.0, 1.0), rate])

    def __call__(self, images: Tensor, probability: Tensor, draw: Any) -> Tensor:
        """Returns images, each transformed at random, float32, of the same shape.

        Args:
            images: Tensor of shape `(batch, height, width, channels)`.
            probability: $p$, a scalar.
            draw: The `keras_dl.models.base.Draw` that gives the noise.
        """
        images = tf.cast(images, tf.float32)
        if {"blit", "geometric"} & set(self.kinds):
            images = transforms.moved(images, transforms.maps(images.shape[1:3], probability, draw, self.kinds))
        if "colour" not in self.kinds:
            return images
        x = (images - self.center) / self.half_range
        x = transforms.coloured(x, *transforms.drawn_colours(probability, draw))
        return self.center + self.half_range * x
