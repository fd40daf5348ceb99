"""The blocks to time: a layer of keras_dl, the same block as a user writes it with Keras alone, and an input shape."""

import keras
import numpy as np
from keras import layers, ops

from keras_dl import layers as ours

IMAGES = (16, 28, 28, 64)
WINDOW = 5


def conv(x, filters, kernel_size, strides=1, **options):
    return layers.Conv2D(filters, kernel_size, strides, **{"padding": "same", "use_bias": False, **options})(x)


def conv_relu(x, filters, kernel_size):
    return conv(x, filters, kernel_size, use_bias=True, activation="relu")


def norm(x):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def norm_relu_conv(x, filters, kernel_size):
    return conv(layers.ReLU()(norm(x)), filters, kernel_size)


def conv_norm_relu(x, filters, kernel_size, strides=1):
    return layers.ReLU()(norm(conv(x, filters, kernel_size, strides)))


def dense_block(x):
    for _ in range(6):
        new = norm_relu_conv(norm_relu_conv(x, 4 * 12, 1), 12, 3)
        x = layers.Concatenate()([x, new])
    return x


def residual(x):
    y = norm(conv(conv_norm_relu(x, 64, 3), 64, 3))
    return layers.ReLU()(layers.Add()([y, x]))


def bottleneck(x):
    y = norm(conv(conv_norm_relu(conv_norm_relu(x, 32, 1), 32, 3, 2), 128, 1))
    return layers.ReLU()(layers.Add()([y, norm(conv(x, 128, 1, 2))]))


def inception(x):
    pool = layers.MaxPooling2D(3, 1, padding="same")(x)
    paths = [conv_relu(x, 64, 1), conv_relu(conv_relu(x, 96, 1), 128, 3)]
    paths += [conv_relu(conv_relu(x, 16, 1), 32, 5), conv_relu(pool, 32, 1)]
    return layers.Concatenate()(paths)


def fire(x):
    squeezed = conv_relu(x, 16, 1)
    return layers.Concatenate()([conv_relu(squeezed, 64, 1), conv_relu(squeezed, 64, 3)])


def squeeze_excite(x):
    y = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D()(x))
    y = layers.Reshape((1, 1, 64))(layers.Dense(64, activation="sigmoid")(y))
    return layers.Multiply()([x, y])


def transition_down(x):
    return layers.AveragePooling2D(2)(norm_relu_conv(x, 32, 1))


def blur(x):
    taps = np.outer([1, 2, 1], [1, 2, 1])[:, :, None, None].repeat(x.shape[-1], 2) / 16.0
    filters = layers.DepthwiseConv2D(
        3, 2, use_bias=False, trainable=False, depthwise_initializer=lambda shape, dtype: ops.cast(taps, dtype)
    )
    return filters(ops.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect"))


def max_blur(x):
    return blur(layers.MaxPooling2D(2, 1)(x))


def sine(x):
    return ops.sin(30.0 * layers.Dense(256)(x))


def local_response(x):
    squares = ops.pad(ops.square(x), [(0, 0)] * 3 + [(WINDOW // 2, WINDOW // 2)])
    means = sum(squares[..., i : i + x.shape[-1]] for i in range(WINDOW)) / WINDOW
    return x / (1.0 + 1e-4 * means) ** 0.75


def pixel_shuffle(x):
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height, width, 2, 2, channels // 4))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 2 * height, 2 * width, channels // 4))


BLOCKS = {
    "BatchNormalization (images)": (ours.BatchNormalization, lambda x: layers.BatchNormalization()(x), IMAGES),
    "GroupNormalization": (
        lambda: ours.GroupNormalization(16),
        lambda x: layers.GroupNormalization(16)(x),
        IMAGES,
    ),
    "BilinearUpsampling2D": (
        lambda: ours.BilinearUpsampling2D(2),
        lambda x: layers.UpSampling2D(2, interpolation="bilinear")(x),
        IMAGES,
    ),
    "BatchNormalization (vectors)": (ours.BatchNormalization, lambda x: layers.BatchNormalization()(x), (128, 512)),
    "DenseBlock": (lambda: ours.DenseBlock(6, 12), dense_block, IMAGES),
    "TransitionDown": (ours.TransitionDown, transition_down, IMAGES),
    "ResidualBlock (basic)": (lambda: ours.ResidualBlock(64), residual, IMAGES),
    "ResidualBlock (bottleneck)": (lambda: ours.ResidualBlock(32, kind="bottleneck", strides=2), bottleneck, IMAGES),
    "InceptionBlock": (lambda: ours.InceptionBlock(64, 96, 128, 16, 32, 32), inception, (8, 28, 28, 192)),
    "FireModule": (lambda: ours.FireModule(16, 64, 64), fire, IMAGES),
    "SqueezeExcite": (lambda: ours.SqueezeExcite(16), squeeze_excite, IMAGES),
    "FactorizedConv2D": (
        lambda: ours.FactorizedConv2D(64),
        lambda x: conv_relu(conv_relu(x, 64, 3), 64, 3),
        IMAGES,
    ),
    "SpatiallySeparableConv2D": (
        lambda: ours.SpatiallySeparableConv2D(64, 7),
        lambda x: conv(conv(x, 64, (7, 1), use_bias=True), 64, (1, 7), use_bias=True),
        IMAGES,
    ),
    "NetworkInNetwork": (
        lambda: ours.NetworkInNetwork((96, 64, 32), 5),
        lambda x: conv_relu(conv_relu(conv_relu(x, 96, 5), 64, 1), 32, 1),
        IMAGES,
    ),
    "ConvFlatten": (lambda: ours.ConvFlatten(128), lambda x: layers.Dense(128)(layers.Flatten()(x)), (32, 14, 14, 32)),
    "BlurPool2D": (ours.BlurPool2D, blur, IMAGES),
    "MaxBlurPool2D": (ours.MaxBlurPool2D, max_blur, IMAGES),
    "SineDense": (lambda: ours.SineDense(256), sine, (4096, 256)),
    "LocalResponseNormalization": (ours.LocalResponseNormalization, local_response, IMAGES),
    "PReLU": (
        lambda: ours.PReLU(per_channel=True),
        lambda x: layers.PReLU(keras.initializers.Constant(0.25), shared_axes=[1, 2])(x),
        IMAGES,
    ),
    "PixelShuffle": (lambda: ours.PixelShuffle(2), pixel_shuffle, IMAGES),
    "SpectralNormConv2D": (
        lambda: ours.SpectralNormConv2D(64, 3, padding="same"),
        lambda x: layers.SpectralNormalization(layers.Conv2D(64, 3, padding="same"))(x),
        IMAGES,
    ),
}
