"""Style-based generators: a mapping from latents to styles, and a synthesis of images from styles and noise."""

from collections.abc import Sequence

import keras

from keras_dl import layers
from keras_dl.checks import check_count, refusal
from keras_dl.networks import condition_inputs, stylegan_parts
from keras_dl.networks.mlp_gan import as_data
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape

STYLES = ("modulation", "adain")


@register()
def stylegan_mapping(
    latent_size: int = 512,
    style_size: int = 512,
    num_layers: int = 8,
    lr_multiplier: float = 0.01,
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "mapping",
) -> keras.Model:
    """Builds the mapping network: normalized latents to a style, dense layers that learn at a rate of their own.

    A condition is embedded by a dense layer, normalized, and stands behind the latents (Karras et al. 2020, "Training
    generative adversarial networks with limited data").

    Args:
        latent_size: Number of latents.
        style_size: Size of a style, w.
        num_layers: Dense layers.
        lr_multiplier: Their learning rate relative to others'.
        num_classes: As for `mlp_generator`.
        condition_shape: As for `mlp_generator`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from latents `(batch, latent_size)`, or from a dict
        `{"latents": ..., "condition": ...}` if it is conditional, to styles `(batch, style_size)`.

    Raises:
        ValueError: If a size is not a positive integer, or both kinds of condition are asked for.

    Example:

    >>> stylegan_mapping(4, 6, num_layers=2)(keras.ops.ones((3, 4))).shape
    TensorShape([3, 6])
    """
    style_size = check_count(style_size, "style_size")
    inputs, x, condition = condition_inputs.inputs("latents", (latent_size,), num_classes, condition_shape)
    x = layers.PixelNormalization(name="normalized_latents")(x)
    if condition is not None:
        embedding = stylegan_parts.dense(style_size, "embedding", activated=False)(condition)
        embedding = layers.PixelNormalization(name="normalized_embedding")(embedding)
        x = keras.layers.Concatenate(name="with_condition")([x, embedding])
    for number in range(check_count(num_layers, "num_layers")):
        x = stylegan_parts.dense(style_size, f"dense_{number}", lr_multiplier=lr_multiplier)(x)
    return keras.Model(inputs, x, name=name)


@register()
def stylegan_synthesis(
    output_shape: Shape,
    style_size: int = 512,
    filters: int = 32,
    max_filters: int = 512,
    style: str = "modulation",
    architecture: str = "skip",
    output_activation: Activation | None = "sigmoid",
    name: str = "synthesis",
) -> keras.Model:
    """Builds the synthesis network: styles and noise to images.

    From a learned constant of 4 x 4, two convolutions a doubling of the sides, each with a style of its own, noise of
    learned strength and a scaled leaky rectifier. StyleGAN 2 modulates the kernels and, with `architecture="skip"`,
    sums the colours of all sides; StyleGAN 1 (`style="adain"`) normalizes each image's channels.

    Args:
        output_shape: Shape of an image, `(side, side, channels)`: the side is a power of two from 8 on, or up to an
            eighth less, such as 28, which are then cut out of the middle.
        style_size: Size of a style.
        filters: Channels at the largest side, doubled at each smaller one: for published networks 32 at 1024 pixels
            and 64 at 256.
        max_filters: Most channels.
        style: `"modulation"` (Karras et al. 2020) or `"adain"` (Karras et al. 2019).
        architecture: `"skip"`, `"residual"` or `"plain"`: how sides reach the image.
        output_activation: Last activation; the papers have none, for data in [-1, 1].
        name: Name of the model.

    Returns:
        A functional `keras.Model` from a dict: `"styles"`, shape `(batch, num_styles, style_size)`, two styles for each
        side; `"noise"`, shape `(batch, noise_size)`, the maps of all convolutions in a row. It gives float32 images
        `(batch, *output_shape)`.

    Raises:
        ValueError: If the sides are others, or an option is unknown.

    Example:

    >>> synthesis = stylegan_synthesis((8, 8, 1), style_size=6, filters=4)
    >>> {name: tensor.shape[1:] for name, tensor in synthesis.input.items()}
    {'styles': (4, 6), 'noise': (144,)}
    """
    sizes = stylegan_parts.sizes(output_shape, filters, max_filters, "output_shape")
    stylegan_parts.check_architecture(architecture)
    if style not in STYLES:
        raise refusal(f"`style` should be one of {STYLES}", style=style)
    shape = (sizes.num_styles, check_count(style_size, "style_size"))
    inputs = {"styles": keras.Input(shape, name="styles"), "noise": keras.Input((sizes.noise_size,), name="noise")}
    image = _Synthesis(sizes, style, architecture, inputs).image(output_shape[-1])
    if sizes.border:
        image = keras.layers.Cropping2D(sizes.border, name="middle")(image)
    return keras.Model(inputs, as_data(image, output_activation), name=name)


class _Synthesis:
    """The tensors of a synthesis network, side by side."""

    def __init__(self, sizes, style, architecture, inputs):
        self.sizes, self.style, self.architecture = sizes, style, architecture
        self.styles = keras.ops.unstack(inputs["styles"], sizes.num_styles, axis=1)
        self.noise, self.offset, self.convolutions = inputs["noise"], 0, 0

    def image(self, channels):
        """The colours of the largest side."""
        initializer = None if self.style == "modulation" else "ones"
        x = layers.Constant((4, 4, self.sizes.channels[0]), initializer=initializer, name="constant")(self.styles[0])
        image = None
        for side, filters in zip(self.sizes.sides, self.sizes.channels, strict=True):
            first = side == self.sizes.sides[0]
            x = self._layer(x, filters, f"conv_{side}_1") if first else self._block(x, filters, side)
            if self.architecture == "skip" or side == self.sizes.sides[-1]:
                colours = self._colours(x, channels, f"colours_{side}")
                image = colours if image is None else self._added(image, colours, side)
        return image

    def _block(self, x, filters, side):
        y = self._layer(x, filters, f"conv_{side}_0", upsample=True)
        y = self._layer(y, filters, f"conv_{side}_1")
        if self.architecture != "residual":
            return y
        shortcut = layers.FilteredUpsampling2D(name=f"shortcut_{side}_up")(x)
        shortcut = stylegan_parts.conv(filters, 1, f"shortcut_{side}", activated=False, use_bias=False)(shortcut)
        return stylegan_parts.half_sum([shortcut, y], f"block_{side}")

    def _layer(self, x, filters, name, upsample=False):
        """A convolution with its style, noise and rectifier; StyleGAN 1's first one has no convolution."""
        style = self.styles[self.convolutions]
        if self.style == "modulation":
            x = layers.ModulatedConv2D(filters, 3, upsample, name=name)([x, style])
        elif self.convolutions:
            x = layers.FilteredUpsampling2D(3, name=f"{name}_up")(x) if upsample else x
            x = stylegan_parts.conv(filters, 3, name, activated=False, use_bias=False)(x)
        side = x.shape[1]
        per_channel = self.style == "adain"
        x = layers.NoiseInjection(self.offset, per_channel, name=f"{name}_noise")([x, self.noise])
        x = stylegan_parts.rectifier(f"{name}_activation", use_bias=True)(x)
        if self.style == "adain":
            x = layers.AdaptiveInstanceNorm(equalized=True, name=f"{name}_style")([x, style])
        self.offset, self.convolutions = self.offset + side**2, self.convolutions + 1
        return x

    def _colours(self, x, channels, name):
        """Colours by a convolution that shares the style of the next one and is not demodulated."""
        if self.style == "adain":
            return stylegan_parts.conv(channels, 1, name, activated=False)(x)
        style = self.styles[self.convolutions]
        x = layers.ModulatedConv2D(channels, 1, demodulate=False, name=name)([x, style])
        return layers.ScaledLeakyReLU(slope=1.0, gain=1.0, use_bias=True, name=f"{name}_bias")(x)

    def _added(self, image, colours, side):
        image = layers.FilteredUpsampling2D(name=f"image_{side // 2}_up")(image)
        return keras.layers.Add(name=f"image_{side}")([image, colours])


@register()
def stylegan_generator(
    output_shape: Shape,
    latent_size: int = 512,
    style_size: int | None = None,
    filters: int = 32,
    max_filters: int = 512,
    mapping_layers: int = 8,
    style: str = "modulation",
    architecture: str = "skip",
    output_activation: Activation | None = "sigmoid",
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "stylegan_generator",
) -> keras.Model:
    """Builds a style-based generator: latents to images, through the layers `mapping` and `synthesis`, with noise that
    is fixed (a buffer in the layer `fixed_noise`), so that a latent always gives the same image.

    Args:
        output_shape: As for `stylegan_synthesis`.
        latent_size: Number of latents.
        style_size: Size of a style; `None` for `latent_size`.
        filters: As for `stylegan_synthesis`.
        max_filters: As for `stylegan_synthesis`.
        mapping_layers: Dense layers of the mapping network: 8, or 2 for small images.
        style: As for `stylegan_synthesis`.
        architecture: As for `stylegan_synthesis`.
        output_activation: As for `stylegan_synthesis`.
        num_classes: As for `mlp_generator`.
        condition_shape: As for `mlp_generator`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from latents `(batch, latent_size)`, or from a dict
        `{"latents": ..., "condition": ...}` if it is conditional, to float32 images `(batch, *output_shape)`.

    Raises:
        ValueError: As for `stylegan_synthesis`.

    Example:

    >>> generator = stylegan_generator((28, 28, 1), latent_size=8, filters=2, max_filters=8, mapping_layers=2)
    >>> generator(keras.ops.ones((3, 8))).shape
    TensorShape([3, 28, 28, 1])
    """
    style_size = latent_size if style_size is None else style_size
    synthesis = stylegan_synthesis(
        output_shape, style_size, filters, max_filters, style, architecture, output_activation
    )
    mapping = stylegan_mapping(
        latent_size, style_size, mapping_layers, num_classes=num_classes, condition_shape=condition_shape
    )
    inputs, _, _ = condition_inputs.inputs("latents", (latent_size,), num_classes, condition_shape)
    w = mapping(inputs)
    styles = keras.layers.RepeatVector(synthesis.input["styles"].shape[1], name="styles")(w)
    noise = layers.Constant(synthesis.input["noise"].shape[1], learned=False, name="fixed_noise")(w)
    image = synthesis({"styles": styles, "noise": noise})
    return keras.Model(inputs, image, name=name)
