"""Sizes and blocks shared by style-based generators and critics."""

import math
from typing import NamedTuple

import keras

from keras_dl import layers
from keras_dl.checks import check_count, check_shape, refusal

START = 4  # the side of the learned constant
ARCHITECTURES = ("skip", "residual", "plain")
HALF = math.sqrt(0.5)  # of a sum of two branches, whose variances add up


class Sizes(NamedTuple):
    """Sides and channels of a network's levels.

    Attributes:
        sides: The sides, from 4 to the image's, each twice the one before.
        channels: The channels of each.
        border: Pixels of the largest side beyond the image, on each side of it.
    """

    sides: tuple
    channels: tuple
    border: int

    @property
    def num_styles(self):
        """Styles of the generator: those of its convolutions and the last colours."""
        return 2 * len(self.sides)

    @property
    def noise_size(self):
        """Numbers of noise of one image: a map for each convolution."""
        return sum(side**2 for side in self.sides) + sum(side**2 for side in self.sides[1:])


def sizes(shape, filters, max_filters, name):
    """The `Sizes` of networks for images of a shape.

    Args:
        shape: Shape of an image, `(side, side, channels)`: the side is a power of two from 8 on, or up to an eighth
            less, such as 28.
        filters: Channels at the largest side, doubled at each smaller one.
        max_filters: Most channels.
        name: What the shape is called in errors.
    """
    shape = check_shape(shape, name, rank=3)
    side = START
    while side < max(shape[:2]):
        side *= 2
    if shape[0] != shape[1] or side < 8 or shape[0] % 2 or 8 * (side - shape[0]) > side:
        raise refusal(
            f"`{name}` should be square, its side a power of two from 8 on, or even and up to an eighth less",
            **{name: shape},
        )
    filters, max_filters = check_count(filters, "filters"), check_count(max_filters, "max_filters")
    sides = [START * 2**level for level in range(int(math.log2(side // START)) + 1)]
    channels = [min(max_filters, filters * (side // one)) for one in sides]
    return Sizes(tuple(sides), tuple(channels), (side - shape[0]) // 2)


def check_architecture(architecture):
    """Refuses an architecture that is none of those of StyleGAN 2's figure 7."""
    if architecture not in ARCHITECTURES:
        raise refusal(f"`architecture` should be one of {ARCHITECTURES}", architecture=architecture)


def rectifier(name, use_bias=False):
    """The scaled leaky rectifier of all StyleGAN networks."""
    return layers.ScaledLeakyReLU(use_bias=use_bias, name=name)


def dense(units, name, activated=True, **options):
    """A dense layer with an equalized rate, and the rectifier."""
    activation = rectifier("activation") if activated else None
    return layers.EqualizedDense(units, gain=1.0, activation=activation, name=name, **options)


def conv(filters, kernel_size, name, activated=True, **options):
    """A convolution with an equalized rate, and the rectifier."""
    activation = rectifier("activation") if activated else None
    return layers.EqualizedConv2D(filters, kernel_size, gain=1.0, activation=activation, name=name, **options)


def down_conv(filters, kernel_size, name, activated=True, **options):
    """A convolution that halves the size, and the rectifier."""
    activation = rectifier("activation") if activated else None
    return layers.FilteredConv2D(filters, kernel_size, gain=1.0, activation=activation, name=name, **options)


def half_sum(branches, name):
    """The sum of two branches, of the variance of one."""
    x = keras.layers.Add(name=f"{name}_sum")(branches)
    return keras.layers.Rescaling(HALF, name=f"{name}_scale")(x)
