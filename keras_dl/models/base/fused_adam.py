"""Adam by TensorFlow's own kernel: one pass over each variable in place of a dozen."""

import functools

import keras
import tensorflow as tf


def choose_kernel(optimizer, fused):
    """Lets a Keras Adam move its weights by `ResourceApplyAdam`, which computes what Keras composes, or as Keras does.

    Worth 5% of a convolutional VAE's step (benchmarks/README.md). Only for whole steps of one device outside XLA, which
    fuses the composition itself. What surrounds an update (rates, clipping, weight decay, averages) stays Keras'; an
    AMSGrad, accumulated gradients, a subclass and variables of other types than float32 keep Keras' own steps.

    Args:
        optimizer: A built optimizer, perhaps inside a `LossScaleOptimizer`.
        fused: Whether to use the kernel where it can be used.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    optimizer.__dict__.pop("update_step", None)  # of an earlier compilation
    composed = type(optimizer) is not keras.optimizers.Adam or optimizer.amsgrad
    composed = composed or optimizer.gradient_accumulation_steps  # which Keras traces without variables
    if fused and not composed:
        optimizer.update_step = functools.partial(_update_step, optimizer)


def _update_step(optimizer, gradient, variable, learning_rate):
    """As `keras.optimizers.Adam.update_step`."""
    if variable.dtype != tf.float32:
        type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
        return
    index = optimizer._get_variable_index(variable)
    step = tf.cast(optimizer.iterations.value + 1, tf.float32)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[index].value.handle,
        v=optimizer._velocities[index].value.handle,
        beta1_power=tf.pow(optimizer.beta_1, step),
        beta2_power=tf.pow(optimizer.beta_2, step),
        lr=tf.cast(learning_rate, tf.float32),
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        grad=tf.convert_to_tensor(gradient),
    )
