"""Classic networks written with plain Keras layers, as keras.applications and the keras.io examples write them."""

import keras
from keras import layers


def resnet20(input_shape=(32, 32, 3), num_classes=10):
    """ResNet-20 for CIFAR (He et al. 2016) with projections as shortcuts, as the keras.io example has them."""

    def convolved(x, filters, strides=1, size=3):
        x = layers.Conv2D(filters, size, strides, padding="same", kernel_initializer="he_normal")(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input(input_shape)
    x = layers.ReLU()(convolved(inputs, 16))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if filters != 16 and block == 0 else 1
            y = convolved(layers.ReLU()(convolved(x, filters, strides)), filters)
            x = convolved(x, filters, strides, size=1) if strides == 2 else x
            x = layers.ReLU()(layers.add([x, y]))
    return keras.Model(inputs, layers.Dense(num_classes)(layers.GlobalAveragePooling2D()(x)))


def densenet_bc_40(input_shape=(32, 32, 3), num_classes=10, growth_rate=12):
    """DenseNet-BC-40 for CIFAR (Huang et al. 2017): three blocks of six bottlenecked layers, compression 0.5."""

    def activated(x):
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1.001e-5)(x))

    inputs = keras.Input(input_shape)
    x = layers.Conv2D(2 * growth_rate, 3, padding="same", use_bias=False)(inputs)
    for block in range(3):
        for _ in range(6):
            y = layers.Conv2D(4 * growth_rate, 1, use_bias=False)(activated(x))
            y = layers.Conv2D(growth_rate, 3, padding="same", use_bias=False)(activated(y))
            x = layers.concatenate([x, y])
        if block < 2:
            x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False)(activated(x))
            x = layers.AveragePooling2D(2)(x)
    return keras.Model(inputs, layers.Dense(num_classes)(layers.GlobalAveragePooling2D()(activated(x))))


def convolutional(input_shape=(28, 28, 1), num_classes=10, filters=7):
    """H-Net's plan with ordinary convolutions, rectifiers, batch normalization and average pooling: 45,466 weights."""
    inputs = x = keras.Input(input_shape)
    for width in (filters, 2 * filters, 4 * filters):
        x = layers.AveragePooling2D(2)(x) if width > filters else x
        x = layers.Conv2D(width, 5, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(width, 5, padding="same")(x))
        x = layers.ReLU()(x)
    x = layers.Conv2D(num_classes, 5, padding="same")(x)
    return keras.Model(inputs, layers.Dense(num_classes)(layers.GlobalAveragePooling2D()(x)))


def resnet18(input_shape=(224, 224, 3), num_classes=1000):
    """ResNet-18 (He et al. 2015, table 1) in the manner of keras.applications' deeper ones, with basic blocks."""

    def convolved(x, filters, size, strides=1):
        x = layers.ZeroPadding2D(size // 2)(x) if strides > 1 and size > 1 else x
        padding = "valid" if strides > 1 else "same"
        x = layers.Conv2D(filters, size, strides, padding=padding, use_bias=False)(x)
        return layers.BatchNormalization(epsilon=1e-5)(x)

    inputs = keras.Input(input_shape)
    x = layers.ReLU()(convolved(inputs, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for filters in (64, 128, 256, 512):
        for block in range(2):
            strides = 2 if filters > 64 and block == 0 else 1
            y = convolved(layers.ReLU()(convolved(x, filters, 3, strides)), filters, 3)
            x = convolved(x, filters, 1, strides) if strides > 1 else x
            x = layers.ReLU()(layers.add([x, y]))
    return keras.Model(inputs, layers.Dense(num_classes)(layers.GlobalAveragePooling2D()(x)))


def unet_like(input_shape=(None, None, 1), num_classes=2, filters=(64, 128, 256), stem=32):
    """The U-Net-like network of the keras.io example on image segmentation, with logits, for sizes divisible by 16.

    A strided convolution, then separable convolutions on the way down and transposed ones on the way up, each level
    with a residual of its inputs; nothing leads across from the way down to the way up. Batch normalization averages
    with a momentum of 0.9: with Keras' 0.99, what is left of the initial ones after 500 steps, 0.007, is as large as
    the variances behind separable convolutions, and the network predicts one class.
    """
    same = {"padding": "same"}

    def normalized(x):
        return layers.BatchNormalization(momentum=0.9)(x)

    def pair(x, kind, width):
        for _ in range(2):
            x = normalized(kind(width, 3, **same)(layers.ReLU()(x)))
        return x

    inputs = keras.Input(input_shape)
    x = layers.ReLU()(normalized(layers.Conv2D(stem, 3, strides=2, **same)(inputs)))
    for width in filters:
        y = layers.MaxPooling2D(3, strides=2, **same)(pair(x, layers.SeparableConv2D, width))
        x = layers.add([y, layers.Conv2D(width, 1, strides=2, **same)(x)])
    for width in (*reversed(filters), stem):
        y = layers.UpSampling2D()(pair(x, layers.Conv2DTranspose, width))
        x = layers.add([y, layers.Conv2D(width, 1, **same)(layers.UpSampling2D()(x))])
    return keras.Model(inputs, layers.Conv2D(num_classes, 3, **same)(x))
