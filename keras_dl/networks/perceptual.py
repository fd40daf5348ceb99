"""Maps of VGG-19 for perceptual losses."""

import keras
import numpy as np

from keras_dl.checks import check_flag, refusal
from keras_dl.networks.registry import register
from keras_dl.types import PathLike, Shape

#: What the published weights take away from pixels of 0 to 255, red, green and blue.
MEANS = (123.68, 116.779, 103.939)
CONVOLUTIONS = tuple(
    f"block{block}_conv{number}" for block, count in enumerate((2, 2, 4, 4, 4), 1) for number in range(1, count + 1)
)


@register()
def vgg19_maps(
    layer: str = "block5_conv4",
    activated: bool = True,
    weights: PathLike | None = "imagenet",
    input_shape: Shape = (None, None, 3),
    name: str = "vgg19_maps",
) -> keras.Model:
    r"""Builds the convolutions of VGG-19 up to one (Simonyan and Zisserman, 2015), for differences of what is seen.

    The features of SRGAN (Ledig et al. 2017: `"block5_conv4"`, $\phi_{5,4}$, or `"block2_conv2"`) and of ESRGAN (Wang
    et al. 2018: the former before its activation). Images are in [0, 1]: their scale, and the order of channels that
    the published weights expect, are part of the network.

    Args:
        layer: Name of the convolution, `"block1_conv1"` to `"block5_conv4"`.
        activated: Whether maps are those after the rectification.
        weights: `"imagenet"`, which Keras downloads once; a file of VGG-19's weights without its head, as Keras lays
            them out; or `None` for random ones.
        input_shape: Shape of an image, `(height, width, 3)`; sides may be `None`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, 3)` to maps.

    Raises:
        ValueError: If there is no such convolution.

    Example:

    >>> network = vgg19_maps("block2_conv2", weights=None)
    >>> network(keras.ops.zeros((1, 32, 32, 3))).shape
    TensorShape([1, 16, 16, 128])
    """
    check_flag(activated, "activated")
    if layer not in CONVOLUTIONS:
        raise refusal(f"`layer` should be one of {', '.join(CONVOLUTIONS)}", layer=layer)
    source = keras.applications.VGG19(include_top=False, weights=weights, input_shape=input_shape)
    inputs = keras.Input(input_shape, name="x")
    x = keras.layers.Rescaling(255.0, [-mean for mean in MEANS], name="centred")(inputs)
    for each in source.layers[1 : source.layers.index(source.get_layer(layer)) + 1]:
        x = each(x)
    first = source.get_layer("block1_conv1")
    first.kernel.assign(np.flip(first.kernel.numpy(), axis=2))  # the published weights expect blue first
    if not activated:
        source.get_layer(layer).activation = keras.activations.linear
    return keras.Model(inputs, x, name=name)
