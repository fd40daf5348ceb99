"""Solver of ordinary differential equations whose gradient recomputes each step."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_dl.types import Tensor


def integrate_checkpointed(derivative: Callable, state: tuple, weights: Sequence, times: Tensor) -> tuple:
    """Integrates a differential equation by the classical Runge-Kutta method of order 4, a step between two times.

    Its gradient is that of these very steps: going back, each is computed again from the state before it, which alone
    is remembered. Memory is that of one step and `len(times)` states, and no error of a second solver enters, as it
    does where the adjoint equation is solved for itself (Chen et al. 2018; Gholami et al. 2019, "ANODE").

    Args:
        derivative: `derivative(t, state, weights)`, a tuple like `state`; what it depends on and is to have a
            gradient comes by `state` and `weights`.
        state: Tuple of float32 tensors at the first time.
        weights: List of float tensors.
        times: Sequence of numbers, or a tensor of known length.

    Returns:
        Tuple of the tensors at the last time.

    Example: the derivative of exp(w) by w at 1.

    >>> import tensorflow as tf
    >>> w, x = tf.constant(1.0), tf.constant([1.0])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(w)
    ...     y = integrate_checkpointed(lambda t, state, weights: (weights[0] * state[0],), (x,), [w], (0.0, 0.5, 1.0))
    >>> round(float(tape.gradient(y[0], w)), 2)
    2.71
    """
    times = tf.convert_to_tensor(times, tf.float32)
    count, size = int(times.shape[0]) - 1, len(state)

    def step(index, state, weights):
        return _runge_kutta(lambda t, x: derivative(t, x, weights), state, times[index], times[index + 1])

    @tf.custom_gradient
    def solve(*tensors):
        weights = tensors[size:]
        end, starts = _forward(step, tensors[:size], weights, count)
        return end, lambda *upstream: _backward(step, starts, weights, upstream, count)

    return tuple(solve(*state, *[tf.convert_to_tensor(weight) for weight in weights]))


def _forward(step, state, weights, count):
    """The state after `count` steps, and the states before each of them, stacked: all that is kept of them."""
    arrays = [tf.TensorArray(part.dtype, count, element_shape=part.shape) for part in state]

    def forward(index, state, arrays):
        arrays = [array.write(index, part) for array, part in zip(arrays, state, strict=True)]
        return index + 1, tuple(step(index, state, weights)), arrays

    _, end, arrays = tf.while_loop(
        lambda index, *_: index < count, forward, (0, state, arrays), maximum_iterations=count
    )
    return tuple(end), [array.stack() for array in arrays]


def _backward(step, starts, weights, upstream, count):
    """Gradients by the first state and the weights, given those by the last: each step is computed once more."""
    size = len(starts)

    def back(index, of_state, of_weights):
        start = [part[index] for part in starts]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([start, weights])
            new = step(index, start, weights)
        zero = tf.UnconnectedGradients.ZERO
        parts = tape.gradient(new, [*start, *weights], list(of_state), unconnected_gradients=zero)
        return index - 1, tuple(parts[:size]), [a + b for a, b in zip(of_weights, parts[size:], strict=True)]

    loop = count - 1, tuple(upstream), [tf.zeros_like(weight) for weight in weights]
    _, of_state, of_weights = tf.while_loop(lambda index, *_: index >= 0, back, loop, maximum_iterations=count)
    return (*of_state, *of_weights)


def _runge_kutta(derivative, state, start, end):
    """One step of the classical method."""
    length = end - start

    def moved(share, slopes):
        return [part + share * length * slope for part, slope in zip(state, slopes, strict=True)]

    first = derivative(start, state)
    second = derivative(start + 0.5 * length, moved(0.5, first))
    third = derivative(start + 0.5 * length, moved(0.5, second))
    fourth = derivative(end, moved(1.0, third))
    slopes = [(a + 2.0 * b + 2.0 * c + d) / 6.0 for a, b, c, d in zip(first, second, third, fourth, strict=True)]
    return [tf.ensure_shape(new, part.shape) for new, part in zip(moved(1.0, slopes), state, strict=True)]
