"""Adaptive solver of ordinary differential equations that never leaves its interval.

`tfp.math.ode.DormandPrince` steps over the final time and interpolates: it evaluates the equation up to a fifth of the
way beyond, where a process has no times, and misses its tolerance there (findings/tfp_ode_beyond_the_end.sh).
"""

from collections.abc import Callable

import tensorflow as tf

from keras_dl.types import Tensor

#: Evaluations that the solver may take before it gives up.
MOST_EVALUATIONS = 10_000
_STAGES = 7
# The tableau of Dormand & Prince 1980, order 5 with an embedded order 4; the last stage stands at the new point.
_NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_MATRIX = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_FIRST_STEP = 1e-2


def integrate(derivative: Callable, state: tuple, start: Tensor, end: Tensor, tolerance: float = 1e-5) -> tuple:
    """Integrates an ordinary differential equation by Dormand and Prince's adaptive method of orders 5 and 4.

    A step is taken if the error estimate of every tensor of the state, root mean square over its entries, is at most
    `tolerance * (1 + |entry|)`. The last step ends at `end`.

    Args:
        derivative: `derivative(t, state)`, of the structure of `state`.
        state: Tuple of float32 tensors at time `start`.
        start: Scalar time.
        end: Scalar time, before or after `start`.
        tolerance: Relative and absolute tolerance of a step.

    Returns:
        Tuple of the tensors at time `end`.

    Raises:
        tf.errors.InvalidArgumentError: If 10,000 evaluations do not reach `end` with this tolerance.

    Example:

    >>> import tensorflow as tf
    >>> round(float(integrate(lambda t, state: (-state[0],), (tf.constant([1.0]),), 0.0, 1.0)[0][0]), 4)
    0.3679
    """
    start, end = tf.convert_to_tensor(start, tf.float32), tf.convert_to_tensor(end, tf.float32)
    derivative = tf.function(derivative, autograph=False)  # one graph, which each stage of a step calls
    most_tries = MOST_EVALUATIONS // (_STAGES - 1)

    def unfinished(tries, t, *_):
        return (t != end) & (tries < most_tries)

    def attempt(tries, t, length, slope, state):
        last = tf.abs(length) >= tf.abs(end - t)
        length = tf.where(last, end - t, length)
        new_state, new_slope, error = _step(derivative, t, length, slope, state, tolerance)
        accepted = error <= 1.0  # NaN is not
        factor = tf.clip_by_value(0.9 * tf.pow(tf.maximum(error, 1e-10), -0.2), 0.2, 5.0)
        factor = tf.where(tf.math.is_finite(error), factor, 0.2)
        t = tf.where(accepted, tf.where(last, end, t + length), t)
        slope, state = tf.nest.map_structure(
            lambda new, old: tf.where(accepted, new, old), (new_slope, new_state), (slope, state)
        )
        return tries + 1, t, length * factor, slope, state

    loop = tf.constant(0), start, _FIRST_STEP * (end - start), derivative(start, state), state
    _, t, _, _, state = tf.while_loop(unfinished, attempt, loop)
    text = f"tolerance should be one that {MOST_EVALUATIONS:,} evaluations can meet. Received: {tolerance}"
    with tf.control_dependencies([tf.debugging.Assert(t == end, [text])]):
        return tf.nest.map_structure(tf.identity, state)


def _step(derivative, t, length, slope, state, tolerance):
    """One step: the new state, its slope, and the largest error by the tolerance."""
    slopes, new_state = [slope], state
    for node, row in zip(_NODES[1:], _MATRIX[1:], strict=True):
        new_state = _combined(state, slopes, row, length)
        slopes.append(derivative(t + node * length, new_state))
    zeros = tf.nest.map_structure(tf.zeros_like, state)
    errors = _combined(zeros, slopes, _ERROR, length)
    ratios = [
        tf.sqrt(tf.reduce_mean(tf.square(error / (tolerance * (1.0 + tf.maximum(tf.abs(old), tf.abs(new)))))))
        for error, old, new in zip(errors, state, new_state, strict=True)
    ]
    return new_state, slopes[-1], tf.reduce_max(tf.stack(ratios))


def _combined(state, slopes, weights, length):
    """`state + length * sum of weights times slopes`, tensor by tensor."""
    results = []
    for index, tensor in enumerate(state):
        terms = [weight * slope[index] for weight, slope in zip(weights, slopes, strict=True) if weight]
        results.append(tensor + length * tf.add_n(terms))
    return tuple(results)
