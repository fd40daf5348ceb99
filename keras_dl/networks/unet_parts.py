"""The pieces that U-Nets are made of, as functions on tensors."""

from typing import NamedTuple

import keras

from keras_dl import activations
from keras_dl.checks import refusal
from keras_dl.layers import (
    AttentionGate,
    BatchNormalization,
    ConvBlock,
    GroupNormalization,
    PadToMultiple,
    TransitionUp,
)
from keras_dl.layers.fit_size import CropToSize
from keras_dl.layers.pooling import POOLS

CONVOLUTIONS = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
CROPPINGS = {1: keras.layers.Cropping1D, 2: keras.layers.Cropping2D, 3: keras.layers.Cropping3D}
UPSAMPLINGS = {1: keras.layers.UpSampling1D, 2: keras.layers.UpSampling2D, 3: keras.layers.UpSampling3D}
DOWN = ("max", "average", "blur", "conv")
UP = ("transpose", "nearest")
PADDINGS = ("same", "valid")


class Parts(NamedTuple):
    """The options that all parts of a network share; see `keras_dl.networks.unet` for what they mean."""

    padding: str = "same"
    down: str = "max"
    up: str = "transpose"
    up_bias: bool = True
    normalization: object = None
    activation: object = "relu"
    use_bias: bool | None = None
    residual: bool = False
    attention: bool = False
    kernel_initializer: object = "he_normal"

    def block(self, x, filters, kernel, name, strides=1, **overrides):
        """A convolution, normalised and activated."""
        options = {"padding": self.padding, "normalization": normalization(self.normalization)}
        options |= {"activation": self.activation, "use_bias": self.use_bias}
        options |= {"kernel_initializer": self._initializer(), **overrides}
        return ConvBlock(filters, kernel, strides=strides, name=name, **options)(x)

    def stage(self, x, level, name, strides=1):
        """A level's convolutions, the first of them strided, with a shortcut around them if residual."""
        inputs = x
        for number, filters in enumerate(level.filters, start=1):
            first, last = number == 1, number == len(level.filters)
            options = {"activation": None} if self.residual and last else {}
            x = self.block(x, filters, level.kernel, f"{name}_conv_{number}", strides if first else 1, **options)
        return self._plus(inputs, x, level, name, strides) if self.residual else x

    def step_down(self, x, level, name):
        """The stage of a coarser level, and how it gets coarser."""
        if self.down == "conv":
            return self.stage(x, level, name, strides=level.strides)
        size = {"strides": level.strides} if self.down == "blur" else {"pool_size": level.strides}
        if max(level.strides) > 1:
            x = POOLS[self.down][len(level.strides)](**size, name=f"{name}_pool")(x)
        return self.stage(x, level, name)

    def step_up(self, x, skip, crop, strides, filters, name):
        """What comes up from the coarser level, next to the skip of the finer one."""
        skip = cropped(skip, crop, f"{name}_skip")
        if self.attention:
            gate = AttentionGate(strides=strides, kernel_initializer=self._initializer(), name=f"{name}_gate")
            skip = gate([skip, x])
        if self.up == "nearest":
            x = UPSAMPLINGS[len(strides)](strides, name=f"{name}_nearest")(x)
            x = self.block(x, filters, 3, f"{name}_up", padding="same")
        else:
            x = self.transposed(filters, strides, f"{name}_up")(x)
        # Sizes meet by construction. `TransitionUp` would crop both, whose gradient takes a twentieth of a step.
        return keras.layers.Concatenate(name=f"{name}_concatenate")([skip, x])

    def transposed(self, filters, strides, name):
        """The layer of a transposed convolution whose kernel is its stride."""
        initializer = self._initializer()
        return TransitionUp(
            filters, strides, strides=strides, use_bias=self.up_bias, kernel_initializer=initializer, name=name
        )

    def classes(self, x, num_classes, activation, name):
        """A 1x1 convolution to the classes."""
        convolution = CONVOLUTIONS[len(x.shape) - 2]
        return convolution(num_classes, 1, activation=activation, kernel_initializer=self._initializer(), name=name)(x)

    def _plus(self, inputs, x, level, name, strides):
        """Adds a stage's inputs to what its convolutions made of them, and activates the sum."""
        if self.padding == "valid":
            inputs = cropped(inputs, [len(level.filters) * (k - 1) for k in level.kernel], f"{name}_inner")
        if inputs.shape[-1] != x.shape[-1] or strides not in (1, (1,) * len(level.kernel)):
            inputs = self.block(inputs, x.shape[-1], 1, f"{name}_shortcut", strides, activation=None)
        x = keras.layers.Add(name=f"{name}_add")([inputs, x])
        return activation_layer(self.activation, f"{name}_activation")(x)

    def _initializer(self):
        """A copy, so that kernels do not share one that is unseeded."""
        initializer = keras.initializers.get(self.kernel_initializer)
        return initializer.__class__.from_config(initializer.get_config())


def normalization(name):
    """Returns what `ConvBlock` takes for `None`, `"batch"`, `"instance"` or a layer."""
    if name == "instance":
        return GroupNormalization(groups=-1, epsilon=1e-5)
    if name == "shift":
        return BatchNormalization(momentum=0.9, epsilon=1e-5, scale=False)
    return name


def activation_layer(activation, name):
    """Returns a new layer for an activation's name, function or layer."""
    activation = activations.get(activation)
    if isinstance(activation, keras.layers.Layer):
        return activation.__class__.from_config({**activation.get_config(), "name": name})
    return keras.layers.Activation(activation, name=name)


def cropped(x, amounts, name):
    """Crops each axis about its centre by an amount, which is the same for all sizes."""
    if not any(amounts):
        return x
    sides = [(amount // 2, amount - amount // 2) for amount in amounts]
    return CROPPINGS[len(sides)](sides[0] if len(sides) == 1 else sides, name=name)(x)


def padded(x, sizes):
    """Appends zeros up to the next size that fits, if `x` may have one that does not."""
    axes = zip(x.shape[1:-1], sizes.multiple, sizes.remainder, sizes.minimum, strict=True)
    if all(n is not None and n >= least and (n - r) % m == 0 for n, m, r, least in axes):
        return x
    return PadToMultiple(sizes.multiple, sizes.remainder, sizes.minimum, name="padding")(x)


def cut(x, padded_inputs, inputs, margin, strides, name):
    """Cuts off of an output what `padded` appended, at its own resolution."""
    return x if padded_inputs is inputs else CropToSize(strides, margin, name=name)([x, inputs])


def check_choice(value, name, choices):
    if value not in choices:
        raise refusal(f"`{name}` should be one of {choices}", **{name: value})
