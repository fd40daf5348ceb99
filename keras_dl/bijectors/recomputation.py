"""Gradients of a chain of bijectors whose steps are computed again, from outputs back to inputs."""

import contextvars

import keras
import tensorflow as tf


def recomputed(bijectors, x, condition):
    """Returns `z` and the log-determinant of bijectors one after another in training, whose gradient holds `z` alone.

    Going back, the inverse of a step gives its input, of which the step is then computed again (Gomez et al. 2017, "The
    reversible residual network"). A step that says `recovers_inputs = False` keeps its input instead. Moving averages
    and other states change once, by the first computation; random numbers are those of the first, too.

    Args:
        bijectors: List of built bijectors.
        x: Tensor of the type that the bijectors compute in.
        condition: Tensor of conditions, or `None`.
    """
    steps = [_Step(bijector) for bijector in bijectors]
    inputs = [x] if condition is None else [x, condition]

    @tf.custom_gradient
    def solve(*tensors):
        x, *conditions = tensors[: len(inputs)]
        weights = _by_step(steps, tensors[len(inputs) :])
        starts, total, states = [], 0.0, []
        for step, own in zip(steps, weights, strict=True):
            starts.append(None if step.bijector.recovers_inputs else x)
            x, log_det, changed = step.forward(x, conditions, own)
            total += log_det
            states += changed

        def gradient(of_z, of_log_det, *of_states):
            return _gradient(steps, weights, starts, (x, conditions), (of_z, of_log_det))

        return (x, total, *states), gradient

    z, log_det, *states = solve(*inputs, *[weight.value for step in steps for weight in step.weights])
    for state, value in zip([state for step in steps for state in step.states], states, strict=True):
        state.assign(value)
    return z, log_det


def _gradient(steps, weights, starts, ends, upstream):
    """The gradients of input, condition and weights, step by step from the last to the first."""
    (y, conditions), (of_y, of_log_det) = ends, upstream
    of_conditions, of_weights, parts = [tf.zeros_like(condition) for condition in conditions], [], []
    for step, own, start in reversed(list(zip(steps, weights, starts, strict=True))):
        # Or all steps would be computed again at once, or hold what the gradients of their weights still need.
        with tf.control_dependencies([of_y, *parts]):
            y = tf.identity(y if start is None else start)
        x = step.inverse(y, conditions, own) if start is None else y
        sources = [x, *conditions, *own]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            results = step.forward(x, conditions, own)[:2]
        zero = tf.UnconnectedGradients.ZERO
        of_y, *parts = tape.gradient(results, sources, [of_y, of_log_det], unconnected_gradients=zero)
        of_conditions = [a + b for a, b in zip(of_conditions, parts, strict=False)]
        of_weights = [*parts[len(conditions) :], *of_weights]
        y = x
    return [of_y, *of_conditions, *of_weights]


def _by_step(steps, tensors):
    """The weights of each step, of those of all in a row."""
    tensors, weights = list(tensors), []
    for step in steps:
        weights.append(tensors[: len(step.weights)])
        tensors = tensors[len(step.weights) :]
    return weights


class _Step:
    """A bijector in training as a function of its weights, with the states that it has now."""

    def __init__(self, bijector):
        self.bijector = bijector
        self.weights, self.states = bijector.trainable_variables, bijector.non_trainable_variables
        self._values = [tf.identity(state.value) for state in self.states]  # as they are now
        self._around = contextvars.copy_context()  # says which rows count; the gradient is taken outside of it

    def forward(self, x, conditions, weights):
        """`z`, the log-determinant and the states afterwards."""
        return self._run(self.bijector.forward_and_log_det, x, conditions, weights)

    def inverse(self, z, conditions, weights):
        """The input of which `z` is the output."""
        return tf.stop_gradient(self._run(self.bijector.inverse_and_log_det, z, conditions, weights)[0])

    def _run(self, function, x, conditions, weights):
        condition = conditions[0] if conditions else None
        values = zip([*self.weights, *self.states], [*weights, *self._values], strict=True)
        with keras.StatelessScope(state_mapping=list(values)) as scope:
            y, log_det = self._around.copy().run(function, x, condition, True)
            return y, log_det, [scope.get_current_value(state) for state in self.states]
