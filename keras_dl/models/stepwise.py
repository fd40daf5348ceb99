"""Sums that last beyond an epoch: what mini-batch EM and mini-batch k-means carry from step to step."""

import tensorflow as tf

from keras_dl.models.base.carried import EpochSum

#: The exponent of the rates: between 1/2 and 1 iterations converge (Cappe & Moulines 2009).
DECAY = 0.6


class RunningSum(EpochSum):
    """A sum over all rows so far, in float64."""

    def reset(self):
        """Goes on."""


class StepwiseMean(RunningSum):
    r"""A mean over rows that forgets old ones, $s \leftarrow s + \rho_t (\bar s_t - s)$ with $\rho_t = (t + 2)^{-0.6}$.

    (Cappé & Moulines 2009, "Online expectation-maximization algorithm for latent data models".)

    Args:
        shape: Shape of the mean.
        state: The model's `TrainingState`, which counts the steps $t$.
    """

    def __init__(self, shape, state):
        super().__init__(shape)
        self._state = state

    def commit(self, summed, rows, replicas=1):
        rows = tf.cast(rows, tf.float64)
        rate = tf.pow(tf.cast(self._state.step.value, tf.float64) + 2.0, -DECAY)
        moved = self.value + rate * (tf.math.divide_no_nan(summed[0], rows) - self.value)
        self.variable.assign(tf.where(rows > 0, moved, self.value))
