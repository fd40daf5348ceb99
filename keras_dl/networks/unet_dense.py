"""Dense U-Nets of slices and volumes, and H-DenseUNet, which joins them (Li et al., 2018)."""

from collections.abc import Sequence
from typing import NamedTuple

import keras

from keras_dl.checks import check_count, check_sizes, refusal
from keras_dl.layers import BatchNormalization, ConvBlock, DenseBlock, TransitionDown
from keras_dl.layers.pooling import POOLS
from keras_dl.layers.slices import SlicesWithNeighbours, StackedSlices
from keras_dl.networks import unet_levels, unet_parts
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape

STRIDES = 32  # in the plane
SLICE_STRIDES = 4


class Dense(NamedTuple):
    """What a dense U-Net is made of; the defaults are the paper's 2-D network (table 1, DenseUNet-167)."""

    layers: Sequence[int] = (6, 12, 36, 24)
    growth_rate: int = 48
    stem: int = 96
    up_filters: Sequence[int] = (768, 384, 96, 96, 64)


VOLUME = Dense((3, 4, 12, 8), 32, 96, (504, 224, 192, 96, 64))


@register()
def dense_unet(
    input_shape: Shape,
    num_classes: int,
    layers: Sequence[int] = (6, 12, 36, 24),
    growth_rate: int = 48,
    stem: int = 96,
    up_filters: Sequence[int] = (768, 384, 96, 96, 64),
    classifier_activation: Activation | None = None,
    name: str = "dense_unet",
) -> keras.Model:
    """Builds the 2-D dense U-Net of H-DenseUNet (Li et al., 2018): DenseNet-161 with a way back up.

    A 7x7 convolution of stride 2 and max pooling, dense blocks with bottlenecks and halving transitions between them;
    then pixels are repeated, the features of the way down are added (through a 1x1 convolution if they have other
    channels) and convolved, five times.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`; sizes may be `None`, and any size is padded with
            zeros after the end to a multiple of 32 and cut back.
        num_classes: Number of classes.
        layers: Layers of each of the four dense blocks.
        growth_rate: Channels that each of them adds.
        stem: Channels of the first convolution.
        up_filters: Channels of the five convolutions on the way up.
        classifier_activation: Of the output; `None` for logits.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` to `(batch, height, width, num_classes)`.

    Raises:
        ValueError: If a size is not a positive integer, or there are not four blocks and five convolutions.

    Example:

    >>> network = dense_unet((48, 40, 3), 2, layers=(1, 1, 1, 1), growth_rate=4, stem=8, up_filters=(8, 8, 8, 8, 4))
    >>> network.output_shape
    (None, 48, 40, 2)
    """
    shape = unet_levels.image_shape(input_shape)
    if len(shape) != 3:
        raise refusal("`input_shape` should be (height, width, channels)", input_shape=input_shape)
    dense = _checked(Dense(layers, growth_rate, stem, up_filters))
    inputs = keras.Input(shape, name="x")
    start = unet_parts.padded(inputs, _sizes((STRIDES,) * 2))
    head = (check_count(num_classes, "num_classes"), classifier_activation)
    scores = _classes(_features(start, dense, "slices"), head, "classes")
    return keras.Model(inputs, unet_parts.cut(scores, start, inputs, 0, 1, "cut"), name=name)


@register()
def h_dense_unet(
    input_shape: Shape,
    num_classes: int,
    slices: dict | None = None,
    volume: dict | None = None,
    neighbours: int = 1,
    auxiliary: bool = False,
    classifier_activation: Activation | None = None,
    name: str = "h_dense_unet",
) -> keras.Model:
    """Builds H-DenseUNet (Li et al., 2018): what a 2-D network sees in slices, and a 3-D one between them.

    A 2-D dense U-Net sees each slice across the last axis with its neighbours as channels. Its scores of the classes,
    beside the image, are what a 3-D dense U-Net sees, which halves the plane five times and the slices twice. Both
    networks' last features are added, convolved, and classified. (The paper's program enlarges the scores 250 times, to
    the range of CT values; here images are taken to be normalised.)

    The paper trains the 2-D network first; with `auxiliary=True` both learn at once.

    Args:
        input_shape: Shape of a volume, `(height, width, slices, channels)`; sizes may be `None`, and any size is padded
            with zeros after the end to multiples of 32, 32 and 4, and cut back.
        num_classes: Number of classes.
        slices: Options of the 2-D network as in `dense_unet`: a dict of `layers`, `growth_rate`, `stem` and
            `up_filters`; `None` for the paper's.
        volume: Options of the 3-D network, likewise.
        neighbours: How many slices on either side the 2-D network sees.
        auxiliary: Whether the classes of the 2-D network are an output too.
        classifier_activation: Of the outputs; `None` for logits.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from volumes `(batch, *sizes, channels)` to `(batch, *sizes, num_classes)`; with
        `auxiliary` to a list of two of these, the joint network's first.

    Raises:
        ValueError: If a size is not a positive integer, or the networks end in different numbers of channels.

    Example:

    >>> small = {"layers": (1, 1, 1, 1), "growth_rate": 2, "stem": 4, "up_filters": (4, 4, 4, 4, 4)}
    >>> network = h_dense_unet((32, 32, 5, 1), num_classes=2, slices=small, volume=small)
    >>> network(keras.ops.zeros((1, 32, 32, 5, 1))).shape
    TensorShape([1, 32, 32, 5, 2])
    """
    shape = unet_levels.image_shape(input_shape)
    if len(shape) != 4:
        raise refusal("`input_shape` should be (height, width, slices, channels)", input_shape=input_shape)
    flat, deep = _checked(Dense(**(slices or {}))), _checked(VOLUME._replace(**(volume or {})))
    if flat.up_filters[-1] != deep.up_filters[-1]:
        raise refusal(
            "both networks should end in as many channels",
            f"up_filters={flat.up_filters} for slices and {deep.up_filters} for volumes",
        )
    num_classes = check_count(num_classes, "num_classes")
    neighbours = check_count(neighbours, "neighbours")
    inputs = keras.Input(shape, name="x")
    start = unet_parts.padded(inputs, _sizes((STRIDES, STRIDES, SLICE_STRIDES)))
    rows = SlicesWithNeighbours(neighbours, name="slices")(start)
    seen = _features(rows, flat, "slices")
    scores = _classes(seen, (num_classes, None), "slices_classes")
    seen, scores = (StackedSlices(name=f"{n}_stack")([t, start]) for n, t in (("features", seen), ("scores", scores)))
    between = _features(keras.layers.Concatenate(name="image_and_scores")([start, scores]), deep, "volume")
    joint = keras.layers.Add(name="joint")([between, seen])
    joint = ConvBlock(flat.up_filters[-1], 3, name="joint_conv")(joint)
    outputs = [_classes(joint, (num_classes, classifier_activation), "classes")]
    if auxiliary:
        activate = unet_parts.activation_layer(classifier_activation, "auxiliary_activation")
        outputs.append(scores if classifier_activation is None else activate(scores))
    outputs = [unet_parts.cut(y, start, inputs, 0, 1, f"cut_{i}") for i, y in enumerate(outputs)]
    return keras.Model(inputs, outputs if auxiliary else outputs[0], name=name)


def _features(x, dense, name):
    """The features at full size that a dense U-Net ends in, of slices or of volumes."""
    rank = len(x.shape) - 2
    plane, whole = (2, 2) if rank == 2 else (2, 2, 1), (2,) * rank
    x = ConvBlock(dense.stem, 7, 2, "symmetric", name=f"{name}_stem")(x)
    skips = [x]
    x = POOLS["max"][rank](3, 2, "same", name=f"{name}_pool")(x)
    for number, count in enumerate(dense.layers, start=1):
        x = DenseBlock(count, dense.growth_rate, name=f"{name}_block_{number}")(x)
        if number < len(dense.layers):
            skips.append(x)
            x = TransitionDown(pool_size=plane, name=f"{name}_transition_{number}")(x)
    x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_normalization")(x)
    x = keras.layers.Activation("relu", name=f"{name}_activation")(x)
    for number, filters in enumerate(dense.up_filters, start=1):
        strides = plane if number < len(dense.layers) else whole
        x = unet_parts.UPSAMPLINGS[rank](strides, name=f"{name}_up_{number}")(x)
        if skips:
            x = _added(x, skips.pop(), f"{name}_up_{number}")
        x = ConvBlock(filters, 3, name=f"{name}_up_{number}_conv")(x)
    return x


def _added(x, skip, name):
    if skip.shape[-1] != x.shape[-1]:
        skip = unet_parts.CONVOLUTIONS[len(x.shape) - 2](x.shape[-1], 1, name=f"{name}_skip")(skip)
    return keras.layers.Add(name=f"{name}_add")([x, skip])


def _classes(x, head, name):
    num_classes, activation = head
    return unet_parts.CONVOLUTIONS[len(x.shape) - 2](num_classes, 1, activation=activation, name=name)(x)


def _sizes(multiple):
    zeros = (0,) * len(multiple)
    return unet_levels.Sizes(multiple, zeros, multiple, zeros, ())


def _checked(dense):
    layers = check_sizes(dense.layers, "layers")
    up_filters = check_sizes(dense.up_filters, "up_filters")
    if len(layers) != 4 or len(up_filters) != 5:
        raise refusal(
            "`layers` should have four entries and `up_filters` five", f"layers={layers}, up_filters={up_filters}"
        )
    growth_rate = check_count(dense.growth_rate, "growth_rate")
    return Dense(layers, growth_rate, check_count(dense.stem, "stem"), up_filters)
