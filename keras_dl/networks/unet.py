"""U-Net (Ronneberger et al., 2015) on images and volumes, and 3D U-Net (Cicek et al., 2016)."""

from collections.abc import Sequence

import keras

from keras_dl.checks import check_count, check_sizes, refusal
from keras_dl.networks import unet_levels, unet_parts
from keras_dl.networks.registry import register
from keras_dl.networks.unet_parts import Parts, check_choice
from keras_dl.types import Activation, Initializer, Shape


@register()
def unet(
    input_shape: Shape,
    num_classes: int,
    filters: Sequence[int | Sequence[int]] = (64, 128, 256, 512, 1024),
    kernel_size: int | Sequence = 3,
    pool_size: int | Sequence = 2,
    convs: int = 2,
    padding: str = "same",
    down: str = "max",
    up: str = "transpose",
    normalization: str | keras.layers.Layer | None = None,
    activation: Activation | None = "relu",
    use_bias: bool | None = None,
    dropout: float = 0.0,
    residual: bool = False,
    attention: bool = False,
    deep_supervision: bool | int = False,
    classifier_activation: Activation | None = None,
    kernel_initializer: Initializer = "he_normal",
    name: str = "unet",
) -> keras.Model:
    """Builds a U-Net (Ronneberger et al., 2015) for signals, images or volumes of any size.

    On the way down each level has `convs` convolutions and the next one is coarser; on the way up a transposed
    convolution, whose kernel is its stride, is put beside the features of the way down. With the defaults and
    `padding="valid"` it is the published network, 31,031,810 weights for 3 channels and 2 classes.

    Sizes that the strides do not divide are padded with zeros after the end, and the output is cut back. With
    `padding="valid"` the skips are cropped about their centres and the output is smaller than the input, by 184 with
    the defaults (572 gives 388): output pixel i belongs to input pixel i + 92.

    Args:
        input_shape: Shape of an image, `(*sizes, channels)`; sizes may be `None`.
        num_classes: Number of classes; 1 for a binary mask.
        filters: Channels of each level's convolutions, from fine to coarse. An entry may be a tuple, the channels of
            each convolution, which are as many as it has entries.
        kernel_size: Of the convolutions: an int, a tuple of one an axis, or a sequence of one such entry a level.
        pool_size: How much coarser each level is than the one above: an int, a tuple of one an axis, or a sequence of
            one such entry for each level but the first. 1 leaves an axis as it is.
        convs: Convolutions a level, on either way.
        padding: `"same"`, or `"valid"` as published.
        down: `"max"`, `"average"` or `"blur"` pooling, or `"conv"`: the first convolution of a level is strided.
        up: `"transpose"`, or `"nearest"`: pixels repeated, then a convolution of 3 (Odena et al., 2016),
            which is padded whatever `padding` is.
        normalization: Of each convolution: `None`, `"batch"`, `"instance"` or a Keras layer to copy.
        activation: Name, function, or Keras layer to copy.
        use_bias: Whether convolutions have biases; `None` for those that are not normalised.
        dropout: Rate of the dropout after the two coarsest levels of the way down.
        residual: Whether a level's inputs are added to what its convolutions make of them, before the last activation,
            through a 1x1 convolution if shapes differ (He et al., 2015; Zhang et al., 2018).
        attention: Whether `keras_dl.layers.AttentionGate`s weight the skips (Oktay et al., 2018).
        deep_supervision: Whether the coarser levels of the way up predict too, all but the coarsest (Isensee et al.,
            2021); or how many levels predict, the finest counted.
        classifier_activation: Of the outputs; `None` for logits.
        kernel_initializer: Keras initializer.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, *sizes, channels)` to `(batch, *sizes, num_classes)`; with deep
        supervision to a list of these, the finest first, each of the size `ceil(sizes / strides)` of its level.

    Raises:
        ValueError: If an argument is out of range; if `padding="valid"` comes with strided convolutions or deep
            supervision, or the input is too small for it.

    Example:

    >>> unet((572, 572, 1), num_classes=2, padding="valid").output_shape
    (None, 388, 388, 2)
    """
    shape = unet_levels.image_shape(input_shape)
    levels = unet_levels.levels(filters, kernel_size, pool_size, convs, len(shape) - 1)
    parts = Parts(
        padding=padding,
        down=down,
        up=up,
        normalization=normalization,
        activation=activation,
        use_bias=use_bias,
        residual=residual,
        attention=attention,
        kernel_initializer=kernel_initializer,
    )
    _check(parts)
    heads = _heads(deep_supervision, len(levels), padding)
    head = (check_count(num_classes, "num_classes"), classifier_activation)
    return _network(shape, levels, parts, heads, head, dropout, name=name)


@register()
def unet3d(
    input_shape: Shape,
    num_classes: int,
    filters: Sequence[int] = (64, 128, 256, 512),
    padding: str = "same",
    normalization: str | keras.layers.Layer | None = "shift",
    activation: Activation | None = "relu",
    deep_supervision: bool | int = False,
    classifier_activation: Activation | None = None,
    kernel_initializer: Initializer = "he_normal",
    name: str = "unet3d",
) -> keras.Model:
    """Builds a 3D U-Net (Cicek et al., 2016).

    It differs from `unet` in that the channels double before each pooling, and in that transposed convolutions keep
    theirs. The published count, 19,069,955 weights for 3 channels and 3 classes, has one number per channel beside each
    kernel, and none beside transposed ones: here a batch normalisation that shifts and does not scale.

    Args:
        input_shape: Shape of a volume, `(depth, height, width, channels)`; sizes may be `None`.
        num_classes: Number of classes; 1 for a binary mask.
        filters: Channels of each level, from fine to coarse; the first convolution of a level has half as many on the
            way down.
        padding: `"same"`, or `"valid"` as published, by which 132x132x116 voxels give 44x44x28.
        normalization: `"shift"`, `"batch"` (which scales too), `"instance"`, `None` or a Keras layer to copy.
        activation: Name, function, or Keras layer to copy.
        deep_supervision: As in `unet`.
        classifier_activation: Of the outputs; `None` for logits.
        kernel_initializer: Keras initializer.
        name: Name of the model.

    Returns:
        A functional `keras.Model`, as `unet` does.

    Raises:
        ValueError: As `unet` does.

    Example:

    >>> unet3d((132, 132, 116, 3), num_classes=3, padding="valid").output_shape
    (None, 44, 44, 28, 3)
    """
    shape = unet_levels.image_shape(input_shape)
    if len(shape) != 4:
        raise refusal("`input_shape` should be (depth, height, width, channels)", input_shape=input_shape)
    widths = [(max(1, width // 2), width) for width in check_sizes(filters, "filters")]
    levels = unet_levels.levels(widths, 3, 2, 2, rank=3)
    parts = Parts(
        padding=padding,
        up_bias=False,
        normalization=normalization,
        activation=activation,
        kernel_initializer=kernel_initializer,
    )
    _check(parts)
    heads = _heads(deep_supervision, len(levels), padding)
    head = (check_count(num_classes, "num_classes"), classifier_activation)
    return _network(shape, levels, parts, heads, head, dropout=0.0, keep_channels=True, name=name)


def _network(shape, levels, parts, heads, head, dropout, name, keep_channels=False):
    sizes = unet_levels.sizes(levels, parts.padding)
    _check_leaves_some(shape, sizes.margin)
    inputs = keras.Input(shape, name="x")
    x = start = unet_parts.padded(inputs, sizes)
    skips = []
    for i, level in enumerate(levels):
        x = parts.step_down(x, level, f"down_{i + 1}")
        if dropout and i >= len(levels) - 2:
            x = keras.layers.Dropout(dropout, name=f"down_{i + 1}_dropout")(x)
        skips.append(x)
    outputs = []
    strides = unet_levels.strides_from_the_finest(levels)
    for i in reversed(range(len(levels) - 1)):
        width = levels[i].filters[-1]
        up_filters = x.shape[-1] if keep_channels else width
        x = parts.step_up(x, skips[i], sizes.crops[i], levels[i + 1].strides, up_filters, f"up_{i + 1}")
        x = parts.stage(x, levels[i]._replace(filters=(width,) * len(levels[i].filters)), f"up_{i + 1}")
        if i < heads:
            y = parts.classes(x, *head, name="classes" if i == 0 else f"classes_{i + 1}")
            cut_name = "cut" if i == 0 else f"cut_{i + 1}"
            outputs.insert(0, unet_parts.cut(y, start, inputs, sizes.margin, strides[i], cut_name))
    if not outputs:
        outputs = [unet_parts.cut(parts.classes(x, *head, name="classes"), start, inputs, sizes.margin, 1, "cut")]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=name)


def _check_leaves_some(shape, margins):
    for size, margin in zip(shape, margins, strict=False):
        if size is not None and size <= margin:
            raise refusal(
                f"Unpadded convolutions take {margin} pixels off, so the input should have more", f"input_shape={shape}"
            )


def _heads(deep_supervision, num_levels, padding):
    """How many levels of the way up predict."""
    if isinstance(deep_supervision, bool):
        heads = max(1, num_levels - 2) if deep_supervision else 1
    else:
        heads = check_count(deep_supervision, "deep_supervision")
    if heads > max(1, num_levels - 1) or (heads > 1 and padding == "valid"):
        raise refusal(
            f"`deep_supervision` should be a boolean or at most the {num_levels - 1} levels of the way up, and only "
            "with padding='same'",
            deep_supervision=deep_supervision,
            padding=padding,
        )
    return heads


def _check(parts):
    check_choice(parts.padding, "padding", unet_parts.PADDINGS)
    check_choice(parts.down, "down", unet_parts.DOWN)
    check_choice(parts.up, "up", unet_parts.UP)
    if parts.padding == "valid" and parts.down in ("conv", "blur"):
        raise refusal("`down` should be 'max' or 'average' with padding='valid'", down=parts.down)
