"""UNet++: nested U-Nets of all depths, of which the deeper ones may be cut off (Zhou et al., 2018)."""

from collections.abc import Sequence

import keras

from keras_dl.checks import check_count, refusal
from keras_dl.networks import unet_levels, unet_parts
from keras_dl.networks.registry import register
from keras_dl.networks.unet_parts import Parts
from keras_dl.types import Activation, Initializer, Shape


@register()
def unet_plus_plus(
    input_shape: Shape,
    num_classes: int,
    filters: Sequence[int] = (32, 64, 128, 256, 512),
    kernel_size: int | Sequence = 3,
    pool_size: int | Sequence = 2,
    convs: int = 2,
    normalization: str | keras.layers.Layer | None = None,
    activation: Activation | None = "relu",
    use_bias: bool | None = None,
    residual: bool = False,
    deep_supervision: bool = False,
    classifier_activation: Activation | None = None,
    kernel_initializer: Initializer = "he_normal",
    name: str = "unet_plus_plus",
) -> keras.Model:
    """Builds a UNet++ (Zhou et al., 2018) for signals, images or volumes of any size.

    Level i has the nodes `X^{i,j} = H([X^{i,0}, ..., X^{i,j-1}, up(X^{i+1,j-1})])`, H being `convs` convolutions and
    `X^{i,0}` the way down; the classes are read off `X^{0,j}`. 9,042,177 weights with the defaults for 3 channels and
    one class.

    Args:
        input_shape: Shape of an image, `(*sizes, channels)`; sizes may be `None`, and any size is padded with zeros
            after the end and cut back.
        num_classes: Number of classes; 1 for a binary mask.
        filters: Channels of each level, from fine to coarse; two or more.
        kernel_size: Of the convolutions; see `unet`.
        pool_size: How much coarser each level is than the one above; see `unet`.
        convs: Convolutions per node.
        normalization: Of each convolution: `None`, `"batch"`, `"instance"` or a Keras layer to copy.
        activation: Name, function, or Keras layer to copy.
        use_bias: Whether convolutions have biases; `None` for those that are not normalised.
        residual: Whether a node's inputs are added to what its convolutions make of them.
        deep_supervision: Whether the classes are read off every `X^{0,j}`; one of the outputs alone, without the
            layers that it does not need, is `prune(network, j - 1)`.
        classifier_activation: Of the outputs; `None` for logits.
        kernel_initializer: Keras initializer.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, *sizes, channels)` to `(batch, *sizes, num_classes)`; with deep
        supervision to a list of these from `X^{0,1}` to the deepest, all of full size.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> unet_plus_plus((32, 32, 3), num_classes=1).count_params()
    9042177
    """
    shape = unet_levels.image_shape(input_shape)
    levels = unet_levels.levels(filters, kernel_size, pool_size, convs, len(shape) - 1)
    if len(levels) < 2:
        raise refusal("`filters` should have at least two entries", filters=filters)
    parts = Parts(
        normalization=normalization,
        activation=activation,
        use_bias=use_bias,
        residual=residual,
        kernel_initializer=kernel_initializer,
    )
    sizes = unet_levels.sizes(levels, "same")
    inputs = keras.Input(shape, name="x")
    start = unet_parts.padded(inputs, sizes)
    nodes = _nodes(start, levels, parts)
    outputs = []
    for j in range(1 if deep_supervision else len(levels) - 1, len(levels)):
        classes = check_count(num_classes, "num_classes")
        y = parts.classes(nodes[0, j], classes, classifier_activation, name=f"classes_{j}")
        outputs.append(unet_parts.cut(y, start, inputs, 0, 1, f"cut_{j}"))
    return keras.Model(inputs, outputs if deep_supervision else outputs[0], name=name)


def _nodes(x, levels, parts):
    """Returns the tensors `X^{i,j}` by `(i, j)`."""
    nodes = {}
    for i, level in enumerate(levels):
        x = nodes[i, 0] = parts.step_down(x, level, f"x_{i}_0")
    for j in range(1, len(levels)):
        for i in range(len(levels) - j):
            level, below = levels[i], levels[i + 1]
            skips = [nodes[i, k] for k in range(j)]
            skip = skips[0] if j == 1 else keras.layers.Concatenate(name=f"x_{i}_{j}_skips")(skips)
            crop = [0] * len(level.strides)
            x = parts.step_up(nodes[i + 1, j - 1], skip, crop, below.strides, level.filters[-1], f"x_{i}_{j}")
            nodes[i, j] = parts.stage(x, level, f"x_{i}_{j}")
    return nodes


def prune(network: keras.Model, output: int = 0, name: str | None = None) -> keras.Model:
    """Returns the network of one of a network's outputs, without the layers that only others need.

    For a network with deep supervision: `prune(unet_plus_plus, j - 1)` ends in `X^{0,j}` (Zhou et al., 2018, pruned to
    `UNet++ L^j`); the finest output of `unet` is number 0. Layers and weights are shared, not copied.

    Args:
        network: Functional `keras.Model` of one or several outputs.
        output: Which of its outputs to keep; -1 is the last.
        name: Name of the model; the network's by default.

    Returns:
        A functional `keras.Model` of one output.

    Raises:
        ValueError: If there is no such output.

    Example:

    >>> network = unet_plus_plus((8, 8, 1), 2, filters=(2, 3, 4), deep_supervision=True)
    >>> [prune(network, j).count_params() for j in range(2)]
    [343, 1077]
    """
    outputs = network.outputs
    if not isinstance(output, int) or not -len(outputs) <= output < len(outputs):
        raise refusal(f"`output` should be one of the {len(outputs)} outputs", output=output)
    inputs = network.inputs
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs[output], name=name or network.name)
