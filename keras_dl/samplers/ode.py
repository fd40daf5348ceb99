"""Solvers of the probability-flow equation: Euler, Heun, Dormand-Prince."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.samplers.dormand_prince import integrate
from keras_dl.samplers.loop import over_times, unchanged
from keras_dl.types import Tensor


def euler(
    field: Callable,
    process: Any,
    x: Tensor,
    times: Tensor,
    noise: Callable | None = None,
    constrain: Callable = unchanged,
) -> Tensor:
    r"""Follows $dx_t / dt$ in straight steps, an evaluation each; of first order.

    Args:
        field: `field(x, t, kind)`, a network's prediction at samples `x` and a scalar time, of a kind of
            `keras_dl.processes.KINDS`.
        process: `keras_dl.processes.Process`.
        x: Samples at the first time, float32 of shape `(rows, ...)`.
        times: Falling times, as `process.times(steps)` gives them.
        noise: Not used: the path is a function of its start.
        constrain: `constrain(x, t, index)`, what is imposed on the samples after each step.

    Returns:
        Samples at the last time.

    Example: the exact velocity of data that are all 2 leads any noise there.

    >>> import tensorflow as tf
    >>> from keras_dl.processes import RectifiedFlow
    >>> process = RectifiedFlow()
    >>> field = lambda x, t, kind: (x - 2.0) / t
    >>> euler(field, process, tf.constant([[-1.0], [0.5]]), process.times(4)).numpy().ravel().tolist()
    [2.0, 2.0]
    """

    def step(x, t, s, index):
        return (x + (s - t) * field(x, t, "velocity"),)

    return over_times(step, x, times, constrain=constrain)


def heun(
    field: Callable,
    process: Any,
    x: Tensor,
    times: Tensor,
    noise: Callable | None = None,
    constrain: Callable = unchanged,
    churn: float = 0.0,
    churn_noise: float = 1.0,
) -> Tensor:
    r"""Follows the path by the trapezoidal rule, with fresh noise before each step if wanted (Karras et al. 2022).

    Two evaluations a step, of second order; the last step, to no noise, is Euler's. With `churn`, a share
    $\gamma = \min(\text{churn} / n, \sqrt 2 - 1)$ of noise is added before each of the $n$ steps.

    Args:
        field: As for `euler`.
        process: `keras_dl.processes.Process`; with `churn` one that leaves the data as they are.
        x: Samples at the first time.
        times: Falling times.
        noise: `noise(index, x)`, standard normal numbers of the shape of `x` for each step; needed with `churn`.
        constrain: As for `euler`.
        churn: The authors' $S_\text{churn}$; 0 for the deterministic path.
        churn_noise: The authors' $S_\text{noise}$, the scale of fresh noise.

    Returns:
        Samples at the last time.

    Raises:
        ValueError: If `churn` is asked for and the process shrinks the data, or there is no `noise`.
    """
    if churn and (process.sigma_data is None or noise is None):
        raise refusal("`churn` should be 0 unless the process is EDM or exploding", churn=churn)
    steps = tf.cast(tf.shape(times)[0] - 1, tf.float32)

    def churned(x, t, index):
        if not churn:
            return x, t
        raised = t * (1.0 + tf.minimum(churn / steps, 2.0**0.5 - 1.0))
        return x + tf.sqrt(tf.square(raised) - tf.square(t)) * churn_noise * noise(index, x), raised

    def corrected(x, t, s, index):
        x, t = churned(x, t, index)
        slope = field(x, t, "velocity")
        return (x + 0.5 * (s - t) * (slope + field(x + (s - t) * slope, s, "velocity")),)

    def straight(x, t, s, index):
        x, t = churned(x, t, index)
        return (x + (s - t) * field(x, t, "velocity"),)

    # Two loops: of a convolution within a condition, tf2onnx makes a file that does not load.
    noisy = tf.reduce_sum(tf.cast(times[1:] > process.t_end, tf.int32))
    x = over_times(corrected, x, times, constrain=constrain, stop=noisy)
    return over_times(straight, x, times, constrain=constrain, start=noisy)


def adaptive(
    field: Callable,
    process: Any,
    x: Tensor,
    times: Tensor,
    noise: Callable | None = None,
    constrain: Callable = unchanged,
    tolerance: float = 1e-4,
) -> Tensor:
    r"""Follows the path by Dormand and Prince's method of orders 5 and 4, with steps as short as `tolerance` needs.

    All samples share their steps.

    Args:
        field: As for `euler`.
        process: `keras_dl.processes.Process`.
        x: Samples at `process.t_max`.
        times: Not used: the solver chooses its own.
        noise: Not used.
        constrain: Must be left as it is: there are no steps to impose it after.
        tolerance: Relative and absolute tolerance of a step.

    Returns:
        Samples at `process.t_min`.

    Raises:
        ValueError: If a constraint is given.
    """
    if constrain is not unchanged:
        raise refusal("`constrain` should be None for an adaptive sampler", "a constraint")
    return follow(process, lambda t, state: (field(state[0], t, "velocity"),), (x,), 1.0, 0.0, tolerance)[0]


def follow(
    process: Any, derivative: Callable, state: tuple, start: Tensor, end: Tensor, tolerance: float = 1e-5
) -> tuple:
    """Integrates a differential equation in a process's time, from one share of its way to another.

    Args:
        process: `keras_dl.processes.Process`.
        derivative: `derivative(t, state)` by time, of the structure of `state`.
        state: Tuple of float tensors at the start.
        start: Share of the way from `t_min`, 0, to `t_max`, 1, at which to begin.
        end: Share at which to end.
        tolerance: Relative and absolute tolerance of a step.

    Returns:
        Tuple of the tensors at the end.
    """

    def by_share(share, state):
        t, slope = process.along(share)
        return tf.nest.map_structure(lambda rate: rate * slope, derivative(t, state))

    return integrate(by_share, state, start, end, tolerance)
