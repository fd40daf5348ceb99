"""The layers and options that the contract, Keras' own checks and the reload test go through."""

from typing import NamedTuple

import keras

from keras_dl import layers


class Case(NamedTuple):
    """A layer class, its arguments, the shape of its inputs (a list for several), and options of `check_layer`."""

    layer: type
    arguments: dict
    input_shape: tuple | list
    options: dict = {}

    def make(self, **kwargs):
        return self.layer(**self.arguments, **kwargs)


INSTANCE_NORM = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)
IMAGE = (3, 7, 6, 4)
EMPTY = {"empty_batch": True}
ANY_INPUTS = {**EMPTY, "idle": ("inputs",)}  # only their number of rows counts
COMPLEX = (2, 6, 7, 2, 2, 3)

CASES = {
    "AdaptiveAveragePooling2D": Case(
        layers.AdaptiveAveragePooling2D, {"output_size": (3, 8)}, IMAGE, {"unknown_axes": (), **EMPTY}
    ),
    "AttentionGate": Case(layers.AttentionGate, {"strides": (2, 3)}, [(2, 6, 9, 4), (2, 3, 3, 5)]),
    "AttentionGate-volume": Case(layers.AttentionGate, {"filters": 3}, [(2, 2, 4, 2, 2), (2, 1, 2, 1, 3)]),
    "BatchNormalization": Case(layers.BatchNormalization, {"momentum": 0.9}, IMAGE, EMPTY),
    "BatchNormalization-dense": Case(layers.BatchNormalization, {"scale": False}, (5, 4), EMPTY),
    "BatchNormalization-volume": Case(layers.BatchNormalization, {"center": False}, (2, 3, 4, 3, 2), EMPTY),
    "Blend": Case(layers.Blend, {"start": -1}, [(3, 4, 4, 2), (3, 4, 4, 2), (3, 1)]),
    "BlurPool1D": Case(layers.BlurPool1D, {"kernel_size": 4}, (2, 7, 3)),
    "BlurPool2D": Case(layers.BlurPool2D, {}, IMAGE),
    "BlurPool2D-strides": Case(layers.BlurPool2D, {"kernel_size": 5, "strides": (1, 3)}, IMAGE),
    "BlurPool3D": Case(layers.BlurPool3D, {"strides": (1, 2, 2)}, (2, 4, 5, 6, 3)),
    "MaxBlurPool2D": Case(layers.MaxBlurPool2D, {"pool_size": 3, "padding": "same"}, IMAGE),
    "ConvBlock": Case(layers.ConvBlock, {"filters": 5, "strides": 2, "padding": "symmetric"}, IMAGE),
    "ConvBlock-preactivation": Case(
        layers.ConvBlock,
        {"filters": 4, "groups": 2, "padding": 2, "preactivation": True, "activation": layers.PReLU(per_channel=True)},
        IMAGE,
    ),
    "ConvBlock-antialias": Case(
        layers.ConvBlock,
        {"filters": 4, "strides": 2, "antialias": True, "normalization": INSTANCE_NORM, "activation": "leaky_relu"},
        IMAGE,
    ),
    "ConvBlock-volume": Case(
        layers.ConvBlock, {"filters": 3, "kernel_size": (1, 3, 3), "dilation_rate": (1, 2, 1)}, (2, 3, 5, 4, 2)
    ),
    "ConvBlock-sequence": Case(
        layers.ConvBlock, {"filters": 3, "normalization": None, "activation": "tanh"}, (2, 6, 2)
    ),
    "ConvFlatten": Case(layers.ConvFlatten, {"units": 5, "activation": "relu"}, IMAGE, {"unknown_axes": ()}),
    "ConvFlatten-map": Case(layers.ConvFlatten, {"units": 5, "kernel_size": (3, 2)}, IMAGE),
    "DenseBlock": Case(layers.DenseBlock, {"num_layers": 3, "growth_rate": 2}, IMAGE),
    "DenseBlock-new-only": Case(
        layers.DenseBlock,
        {"num_layers": 2, "growth_rate": 3, "bottleneck": None, "dropout": 0.2, "include_input": False},
        IMAGE,
    ),
    "PyramidDown": Case(layers.PyramidDown, {}, (3, 6, 4, 2)),
    "PyramidUp": Case(layers.PyramidUp, {}, IMAGE),
    "PositionEmbedding": Case(layers.PositionEmbedding, {}, IMAGE, {"unknown_axes": ()}),
    "TimeEmbedding": Case(layers.TimeEmbedding, {"size": 6}, (4,)),
    "TransitionDown": Case(layers.TransitionDown, {}, IMAGE),
    "TransitionDown-blur": Case(layers.TransitionDown, {"pooling": "blur", "compression": 1.0, "dropout": 0.1}, IMAGE),
    "TransitionDown-volume": Case(layers.TransitionDown, {"pool_size": (1, 2, 2)}, (2, 3, 4, 4, 2)),
    "TransitionUp": Case(layers.TransitionUp, {"filters": 3, "normalization": "batch", "activation": "elu"}, IMAGE),
    "TransitionUp-skip": Case(layers.TransitionUp, {"filters": 3, "kernel_size": 2}, [(2, 3, 4, 4), (2, 5, 9, 2)]),
    "EqualizedConv2D": Case(layers.EqualizedConv2D, {"filters": 3, "strides": 2, "activation": "leaky_relu"}, IMAGE),
    "EqualizedDense": Case(layers.EqualizedDense, {"units": 3, "gain": 1.0, "lr_multiplier": 0.1}, (3, 4), EMPTY),
    "FactorizedConv2D": Case(layers.FactorizedConv2D, {"filters": 3, "kernel_size": 5, "strides": 2}, IMAGE),
    "FactorizedReduction": Case(layers.FactorizedReduction, {"filters": 6}, (3, 4, 6, 3)),
    "SpatiallySeparableConv2D": Case(
        layers.SpatiallySeparableConv2D,
        {"filters": 3, "strides": (2, 1), "intermediate_filters": 2, "intermediate_activation": "relu"},
        IMAGE,
    ),
    "NetworkInNetwork": Case(layers.NetworkInNetwork, {"filters": (4, 3), "normalization": "batch"}, IMAGE),
    "FireModule": Case(layers.FireModule, {"squeeze": 3, "expand_1x1": 2, "expand_3x3": 4}, IMAGE),
    "InceptionBlock": Case(
        layers.InceptionBlock,
        {"filters_1x1": 2, "reduce_3x3": 3, "filters_3x3": 4, "reduce_5x5": 2, "filters_5x5": 3, "filters_pool": 2},
        IMAGE,
    ),
    "InceptionBlock-volume": Case(
        layers.InceptionBlock,
        {"filters_1x1": 1, "reduce_3x3": 1, "filters_3x3": 2, "reduce_5x5": 1, "filters_5x5": 1, "filters_pool": 1},
        # On a CPU, TensorFlow's bfloat16 gradient of a kernel larger than the volume reads memory that nobody wrote.
        (2, 5, 6, 5, 2),
    ),
    "InceptionBlock-naive": Case(
        layers.InceptionBlock,
        {"filters_1x1": 2, "reduce_3x3": None, "filters_3x3": 4, "reduce_5x5": None, "filters_5x5": 3},
        IMAGE,
    ),
    "HarmonicConv2D": Case(layers.HarmonicConv2D, {"filters": 2, "max_order": 2}, IMAGE),
    "HarmonicConv2D-complex": Case(
        layers.HarmonicConv2D,
        {"filters": 2, "kernel_size": 4, "num_rings": 2, "padding": "valid", "strides": 2},
        COMPLEX,
        {"unknown_axes": (1, 2)},
    ),
    "GroupNormalization": Case(layers.GroupNormalization, {"groups": 2}, IMAGE, EMPTY),
    "HarmonicActivation": Case(layers.HarmonicActivation, {}, COMPLEX, {"unknown_axes": (1, 2)}),
    "HarmonicBatchNormalization": Case(layers.HarmonicBatchNormalization, {}, COMPLEX, {"unknown_axes": (1, 2)}),
    "HarmonicPooling2D": Case(layers.HarmonicPooling2D, {}, COMPLEX, {"unknown_axes": (1, 2)}),
    "HarmonicBlurPool2D": Case(layers.HarmonicBlurPool2D, {}, COMPLEX, {"unknown_axes": (1, 2)}),
    "HarmonicMagnitude": Case(layers.HarmonicMagnitude, {}, COMPLEX, {"unknown_axes": (1, 2), **EMPTY}),
    "LocalResponseNormalization": Case(layers.LocalResponseNormalization, {"size": 3, "alpha": 0.5}, IMAGE, EMPTY),
    "LocalResponseNormalization-volume": Case(
        layers.LocalResponseNormalization, {"size": 2, "beta": 1.5, "k": 2.0}, (2, 3, 4, 3, 5), EMPTY
    ),
    "MinibatchStdDev": Case(layers.MinibatchStdDev, {"group_size": 2, "num_features": 2}, IMAGE, EMPTY),
    "MinibatchStdDev-whole": Case(layers.MinibatchStdDev, {"group_size": None}, (3, 4), EMPTY),
    "FiLM": Case(layers.FiLM, {}, [IMAGE, (3, 5)], EMPTY),
    "AdaptiveInstanceNorm": Case(layers.AdaptiveInstanceNorm, {"equalized": True}, [IMAGE, (3, 5)], EMPTY),
    "AdaptiveInstanceNorm-maps": Case(layers.AdaptiveInstanceNorm, {}, [IMAGE, (3, 5, 8, 4)], EMPTY),
    "PixelNormalization": Case(layers.PixelNormalization, {}, IMAGE, EMPTY),
    "PixelNormalization-latents": Case(layers.PixelNormalization, {"epsilon": 1e-4}, (3, 4), EMPTY),
    "FilteredUpsampling2D": Case(layers.FilteredUpsampling2D, {"kernel_size": 3}, IMAGE),
    "FilteredDownsampling2D": Case(layers.FilteredDownsampling2D, {}, IMAGE),
    "FilteredConv2D": Case(layers.FilteredConv2D, {"filters": 3, "activation": "leaky_relu"}, IMAGE),
    "FilteredConv2D-1": Case(layers.FilteredConv2D, {"filters": 3, "kernel_size": 1, "use_bias": False}, IMAGE),
    "ModulatedConv2D": Case(layers.ModulatedConv2D, {"filters": 3, "upsample": True}, [IMAGE, (3, 5)]),
    "ModulatedConv2D-colours": Case(
        layers.ModulatedConv2D, {"filters": 3, "kernel_size": 1, "demodulate": False}, [IMAGE, (3, 5)]
    ),
    "Constant": Case(layers.Constant, {"shape": (2, 3), "initializer": "ones"}, (3, 4), ANY_INPUTS),
    "Constant-buffer": Case(layers.Constant, {"shape": 2, "learned": False}, (3, 4), ANY_INPUTS),
    "NoiseInjection": Case(
        layers.NoiseInjection, {"offset": 3, "per_channel": True}, [IMAGE, (3, 45)], {"unknown_axes": (), **EMPTY}
    ),
    "ScaledLeakyReLU": Case(layers.ScaledLeakyReLU, {"use_bias": True, "gain": 1.0}, IMAGE, EMPTY),
    "PixelShuffle": Case(layers.PixelShuffle, {"upscale_factor": 2}, IMAGE, EMPTY),
    "PadToMultiple": Case(layers.PadToMultiple, {"multiple": (4, 2), "remainder": (1, 0)}, IMAGE, EMPTY),
    "PadToMultiple-minimum": Case(layers.PadToMultiple, {"multiple": 3, "minimum": 9}, (2, 3, 4, 2), EMPTY),
    "PReLU": Case(layers.PReLU, {}, IMAGE, EMPTY),
    "PReLU-channel": Case(layers.PReLU, {"per_channel": True, "alpha_initializer": 0.1}, (3, 5), EMPTY),
    "BilinearUpsampling2D": Case(layers.BilinearUpsampling2D, {"scale": 3}, IMAGE, EMPTY),
    "NearestUpsampling2D": Case(layers.NearestUpsampling2D, {"scale": 3}, IMAGE, EMPTY),
    "ReflectionPadding2D": Case(layers.ReflectionPadding2D, {"padding": (1, 2)}, IMAGE),
    "ResidualBlock": Case(layers.ResidualBlock, {"filters": 4}, IMAGE),
    "ResidualBlock-A": Case(layers.ResidualBlock, {"filters": 7, "strides": 2, "projection": "A"}, IMAGE),
    "ResidualBlock-B": Case(
        layers.ResidualBlock,
        {
            "filters": 2,
            "kind": "bottleneck",
            "strides": 2,
            "padding": "symmetric",
            "groups": 2,
            "squeeze_excite": 4,
            "antialias": True,
        },
        IMAGE,
    ),
    "ResidualBlock-C": Case(
        layers.ResidualBlock,
        {"filters": 2, "kind": "bottleneck", "projection": "C", "expansion": 2, "preactivation": True},
        IMAGE,
    ),
    "ResidualBlock-stem": Case(
        layers.ResidualBlock, {"filters": 4, "preactivation": True, "activated_input": True}, IMAGE
    ),
    "ResidualCell": Case(layers.ResidualCell, {"filters": 4, "resize": "down"}, (2, 4, 6, 3)),
    "ResidualCell-separable": Case(
        layers.ResidualCell,
        {"filters": 3, "kind": "separable", "resize": "up", "kernel_size": 3, "expansion": 2, "recompute": True},
        (2, 3, 2, 4),
    ),
    "SineDense": Case(layers.SineDense, {"units": 5, "omega_0": 2.0}, (3, 4), EMPTY),
    "SpectralNormConv2D": Case(layers.SpectralNormConv2D, {"filters": 3, "strides": 2}, IMAGE),
    "SpectralNormDense": Case(layers.SpectralNormDense, {"units": 3, "use_bias": False}, (3, 4)),
    "SqueezeExcite": Case(layers.SqueezeExcite, {"ratio": 2, "gate": "hard_sigmoid"}, IMAGE, EMPTY),
    "UnitNormalization": Case(layers.UnitNormalization, {}, IMAGE, EMPTY),
    "UnitNormalization-axes": Case(layers.UnitNormalization, {"axis": (1, 2)}, IMAGE, EMPTY),
    "WeightNormConv2D": Case(layers.WeightNormConv2D, {"filters": 3, "kernel_size": 3, "strides": 2}, IMAGE),
}

# The default run takes a case of every kind of layer, the oddest where there are several.
ONE_A_CLASS = [
    "AdaptiveAveragePooling2D", "AttentionGate", "BatchNormalization", "BlurPool1D", "BlurPool2D", "MaxBlurPool2D",
    "ConvBlock", "ConvFlatten", "DenseBlock-new-only", "TransitionDown", "TransitionUp", "EqualizedConv2D",
    "FactorizedConv2D", "NetworkInNetwork", "FireModule", "InceptionBlock-naive", "HarmonicConv2D-complex",
    "HarmonicActivation", "HarmonicBlurPool2D", "HarmonicMagnitude", "LocalResponseNormalization", "MinibatchStdDev",
    "FiLM", "AdaptiveInstanceNorm", "PixelNormalization", "PixelShuffle", "PadToMultiple-minimum", "PReLU",
    "FilteredUpsampling2D", "FilteredDownsampling2D", "ReflectionPadding2D", "FilteredConv2D", "ModulatedConv2D",
    "Constant-buffer", "NoiseInjection", "ScaledLeakyReLU",
    "BilinearUpsampling2D", "ResidualBlock-A", "SineDense", "SpectralNormDense", "SqueezeExcite", "UnitNormalization",
    "FactorizedReduction", "ResidualCell-separable", "NearestUpsampling2D", "GroupNormalization",
]  # fmt: skip
