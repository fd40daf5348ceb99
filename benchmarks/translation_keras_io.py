"""CycleGAN with the network, the losses and the training rule of the keras.io example, at the size of small images.

There each generator moves by the gradient of one of the two cycles only: G by that of B, F by that of A.
"""

import keras
import tensorflow as tf
from keras import layers

from keras_dl.layers import ReflectionPadding2D

_NORMAL = {"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.02}}


def _convolution(x, filters, size, activation, kind=layers.Conv2D, **options):
    x = kind(filters, size, kernel_initializer=_NORMAL, use_bias=False, **options)(x)
    x = layers.GroupNormalization(groups=-1, gamma_initializer=_NORMAL)(x)
    return activation(x) if activation else x


def generator(shape, channels, filters, num_blocks, downsamplings):
    """The example's residual network: images in [-1, 1] to images in [-1, 1]."""
    inputs = keras.Input(shape)
    x = _convolution(ReflectionPadding2D(3)(inputs), filters, 7, layers.ReLU())
    for _ in range(downsamplings):
        filters *= 2
        x = _convolution(x, filters, 3, layers.ReLU(), strides=2, padding="same")
    for _ in range(num_blocks):
        inner = _convolution(ReflectionPadding2D(1)(x), filters, 3, layers.ReLU())
        x = layers.add([x, _convolution(ReflectionPadding2D(1)(inner), filters, 3, None)])
    for _ in range(downsamplings):
        filters //= 2
        x = _convolution(x, filters, 3, layers.ReLU(), layers.Conv2DTranspose, strides=2, padding="same")
    x = layers.Conv2D(channels, 7, activation="tanh")(ReflectionPadding2D(3)(x))
    return keras.Model(inputs, x)


def critic(shape, filters, num_layers):
    """The example's critic of patches, with as many halvings."""
    inputs = keras.Input(shape)
    x = layers.Conv2D(filters, 4, strides=2, padding="same", kernel_initializer=_NORMAL)(inputs)
    x = layers.LeakyReLU(0.2)(x)
    for number in range(1, num_layers + 1):
        stride = 2 if number < num_layers else 1
        filters *= 2
        x = _convolution(x, filters, 4, layers.LeakyReLU(0.2), strides=stride, padding="same")
    return keras.Model(inputs, layers.Conv2D(1, 4, padding="same", kernel_initializer=_NORMAL)(x))


class Cycle(keras.Model):
    """The example's training: four optimizers, least squares, cycles weighed by 10, identities by 5, no pools."""

    def __init__(self, forward, backward, critic_a, critic_b):
        super().__init__()
        self.networks = [forward, backward, critic_a, critic_b]
        self.adams = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in self.networks]
        for adam, network in zip(self.adams, self.networks, strict=True):
            adam.build(network.trainable_variables)

    def train_step(self, data):
        with tf.GradientTape(persistent=True) as tape:
            losses = self._four_losses(*(2 * x - 1 for x in data))
        for adam, network, loss in zip(self.adams, self.networks, losses, strict=True):
            adam.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        return dict(zip(("forward", "backward", "critic_a", "critic_b"), losses, strict=True))

    def _four_losses(self, a, b):
        forward, backward, critic_a, critic_b = self.networks
        fake_b, fake_a = forward(a, training=True), backward(b, training=True)
        return (
            _generator_loss(critic_b(fake_b), b, forward(fake_a, training=True), forward(b, training=True)),
            _generator_loss(critic_a(fake_a), a, backward(fake_b, training=True), backward(a, training=True)),
            _critic_loss(critic_a(a), critic_a(fake_a)),
            _critic_loss(critic_b(b), critic_b(fake_b)),
        )

    def translate(self, x, direction="forward"):
        """Images of one domain as images of the other, both in [0, 1]."""
        network = self.networks[direction == "backward"]
        parts = [network(2 * x[i : i + 500] - 1, training=False) for i in range(0, len(x), 500)]
        return (tf.concat(parts, 0) + 1) / 2

    def cycle(self, x, direction="forward"):
        """Images translated there and back."""
        there, back = ("forward", "backward") if direction == "forward" else ("backward", "forward")
        return self.translate(self.translate(x, there), back)


def _generator_loss(judged, x, cycled, same):
    cycle, identity = tf.reduce_mean(tf.abs(x - cycled)), tf.reduce_mean(tf.abs(x - same))
    return tf.reduce_mean((judged - 1) ** 2) + 10 * cycle + 5 * identity


def _critic_loss(real, fake):
    return (tf.reduce_mean((real - 1) ** 2) + tf.reduce_mean(fake**2)) / 2
