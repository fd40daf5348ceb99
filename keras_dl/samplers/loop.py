"""One compiled loop over the times of a process."""

import tensorflow as tf


def unchanged(x, t, index):
    """The constraint of a free run: none."""
    return x


def over_times(step, x, times, memory=(), constrain=unchanged, start=0, stop=None):
    """Runs `step` between each pair of neighbouring times.

    Args:
        step: `step(x, t, s, index, *memory)` returns the samples at time `s` and the new memory, given those at `t`.
        x: Samples at the first time.
        times: Falling times, shape `(steps + 1,)`.
        memory: Tuple of tensors that a step hands to the next one.
        constrain: `constrain(x, t, index)`, what is imposed on the samples after each step (inpainting).
        start: Index of the first step.
        stop: Index of the step before which to stop; `None` for the last time.

    Returns:
        The samples at the last time.
    """
    stop = tf.shape(times)[0] - 1 if stop is None else stop

    def body(index, x, *memory):
        s = times[index + 1]
        x, *memory = step(x, times[index], s, index, *memory)
        return index + 1, constrain(x, s, index), *memory

    state = (tf.convert_to_tensor(start), x, *memory)
    return tf.while_loop(lambda index, *_: index < stop, body, state)[1]
