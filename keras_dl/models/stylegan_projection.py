"""Styles of images by optimisation."""

import math

import tensorflow as tf

from keras_dl.models import conditions
from keras_dl.models.base import Draw
from keras_dl.models.fitting.graphs import traced_alone
from keras_dl.objectives.gradient_penalties import input_gradients

_BETAS = 0.9, 0.999


def projected(model, images, steps, rate, seed, per_layer, features):
    """Styles near images and their distances; see `StyleGAN.project`."""
    target = images if features is None else features(images)
    shape = (model.num_styles if per_layer else 1, model.style_size)
    spread = _spread(model, seed)

    def distances(styles):
        generated = model._synthesize(tf.broadcast_to(styles, (len(images), model.num_styles, model.style_size)))
        generated = generated if features is None else features(generated)
        return tf.reduce_mean(tf.square(generated - target), axis=list(range(1, target.shape.rank)))

    def step(styles, first, second, number):
        time = tf.cast(number, tf.float32) / steps
        noise = Draw.for_sampling(seed, tf.cast(number, tf.int64), len(images), stream=1).normal(shape)
        noise *= 0.05 * spread * tf.square(tf.maximum(0.0, 1.0 - time / 0.75))
        gradient = input_gradients(distances, styles + noise)
        return _adam(styles, gradient, first, second, number, rate * _ramp(time))

    step = traced_alone(step)
    styles = tf.broadcast_to(model.mean_style, (len(images), *shape))
    first, second = tf.zeros_like(styles), tf.zeros_like(styles)
    for number in range(steps):
        styles, first, second = step(styles, first, second, tf.constant(number))
    styles = tf.broadcast_to(styles, (len(images), model.num_styles, model.style_size))
    return styles, traced_alone(distances)(styles)


def _spread(model, seed):
    """The deviation of styles around their mean, a scalar."""
    latents = Draw.for_sampling(seed, tf.constant(0, tf.int64), 1000, stream=2).normal((model.latent_size,))
    specs = conditions.spec([model.generator]).values()
    zeros = [tf.zeros((1000, *spec.shape[1:]), spec.dtype) for spec in specs]
    styles = model.as_graph(model._style)(latents, *zeros)[:, 0]
    return tf.sqrt(tf.reduce_mean(tf.reduce_sum(tf.square(styles - model.mean_style), axis=1)))


def _ramp(time):
    """The share of the rate: up in the first twentieth, down along a cosine in the last quarter."""
    down = 0.5 - 0.5 * tf.cos(math.pi * tf.minimum(1.0, (1.0 - time) / 0.25))
    return down * tf.minimum(1.0, time / 0.05)


def _adam(x, gradient, first, second, number, rate):
    """One step of Adam: the new point and moments."""
    count = tf.cast(number + 1, tf.float32)
    first = _BETAS[0] * first + (1.0 - _BETAS[0]) * gradient
    second = _BETAS[1] * second + (1.0 - _BETAS[1]) * tf.square(gradient)
    mean = first / (1.0 - tf.pow(_BETAS[0], count))
    square = second / (1.0 - tf.pow(_BETAS[1], count))
    return x - rate * mean / (tf.sqrt(square) + 1e-8), first, second
