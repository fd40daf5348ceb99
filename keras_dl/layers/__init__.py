"""Layers: the blocks of the classic networks, anti-aliased, harmonic, sine and equalized layers, and fused forms."""

from keras.layers import DepthwiseConv2D, SeparableConv2D

from keras_dl.layers.adaptive_pooling import AdaptiveAveragePooling2D
from keras_dl.layers.arithmetic import ConvCost, conv_cost, conv_output_size
from keras_dl.layers.attention_gate import AttentionGate
from keras_dl.layers.batch_normalization import BatchNormalization
from keras_dl.layers.bilinear import BilinearUpsampling2D
from keras_dl.layers.blend import Blend
from keras_dl.layers.blur_pool import BlurPool1D, BlurPool2D, BlurPool3D, MaxBlurPool2D
from keras_dl.layers.conv_block import ConvBlock
from keras_dl.layers.conv_flatten import ConvFlatten
from keras_dl.layers.dense_block import DenseBlock, TransitionDown
from keras_dl.layers.equalized import EqualizedConv2D, EqualizedDense
from keras_dl.layers.factorized import FactorizedConv2D, NetworkInNetwork, SpatiallySeparableConv2D
from keras_dl.layers.factorized_reduction import FactorizedReduction
from keras_dl.layers.filtered import FilteredDownsampling2D, FilteredUpsampling2D
from keras_dl.layers.filtered_conv import FilteredConv2D
from keras_dl.layers.fire import FireModule
from keras_dl.layers.fit_size import PadToMultiple
from keras_dl.layers.group_normalization import GroupNormalization
from keras_dl.layers.harmonic import HarmonicConv2D
from keras_dl.layers.harmonic_parts import HarmonicActivation, HarmonicBatchNormalization, HarmonicMagnitude
from keras_dl.layers.harmonic_pooling import HarmonicBlurPool2D, HarmonicPooling2D
from keras_dl.layers.icnr import ICNR
from keras_dl.layers.inception import InceptionBlock
from keras_dl.layers.local_response import LocalResponseNormalization
from keras_dl.layers.minibatch import MinibatchStdDev
from keras_dl.layers.modulated_conv import ModulatedConv2D
from keras_dl.layers.modulation import AdaptiveInstanceNorm, FiLM
from keras_dl.layers.nearest import NearestUpsampling2D
from keras_dl.layers.pixel_normalization import PixelNormalization
from keras_dl.layers.pixel_shuffle import PixelShuffle
from keras_dl.layers.position_embedding import PositionEmbedding
from keras_dl.layers.prelu import PReLU
from keras_dl.layers.pyramid import PyramidDown, PyramidUp
from keras_dl.layers.reflection_padding import ReflectionPadding2D
from keras_dl.layers.residual import ResidualBlock
from keras_dl.layers.residual_cell import ResidualCell
from keras_dl.layers.sine import SineDense, SineInitializer
from keras_dl.layers.spectral_norm import SpectralNormConv2D, SpectralNormDense
from keras_dl.layers.squeeze_excite import SqueezeExcite
from keras_dl.layers.style_parts import Constant, NoiseInjection, ScaledLeakyReLU
from keras_dl.layers.time_embedding import TimeEmbedding
from keras_dl.layers.transition_up import TransitionUp
from keras_dl.layers.unit_normalization import UnitNormalization
from keras_dl.layers.weight_norm import WeightNormConv2D

__all__ = [
    "ICNR",
    "AdaptiveAveragePooling2D",
    "AdaptiveInstanceNorm",
    "AttentionGate",
    "BatchNormalization",
    "BilinearUpsampling2D",
    "Blend",
    "BlurPool1D",
    "BlurPool2D",
    "BlurPool3D",
    "Constant",
    "ConvBlock",
    "ConvCost",
    "ConvFlatten",
    "DenseBlock",
    "DepthwiseConv2D",
    "EqualizedConv2D",
    "EqualizedDense",
    "FactorizedConv2D",
    "FactorizedReduction",
    "FiLM",
    "FilteredConv2D",
    "FilteredDownsampling2D",
    "FilteredUpsampling2D",
    "FireModule",
    "GroupNormalization",
    "HarmonicActivation",
    "HarmonicBatchNormalization",
    "HarmonicBlurPool2D",
    "HarmonicConv2D",
    "HarmonicMagnitude",
    "HarmonicPooling2D",
    "InceptionBlock",
    "LocalResponseNormalization",
    "MaxBlurPool2D",
    "MinibatchStdDev",
    "ModulatedConv2D",
    "NearestUpsampling2D",
    "NetworkInNetwork",
    "NoiseInjection",
    "PReLU",
    "PadToMultiple",
    "PixelNormalization",
    "PixelShuffle",
    "PyramidDown",
    "PyramidUp",
    "ReflectionPadding2D",
    "ResidualBlock",
    "ResidualCell",
    "ScaledLeakyReLU",
    "SeparableConv2D",
    "SineDense",
    "SineInitializer",
    "SpatiallySeparableConv2D",
    "SpectralNormConv2D",
    "SpectralNormDense",
    "SqueezeExcite",
    "PositionEmbedding",
    "TimeEmbedding",
    "TransitionDown",
    "TransitionUp",
    "UnitNormalization",
    "WeightNormConv2D",
    "conv_cost",
    "conv_output_size",
]
