"""Contrastive divergence whose gradient flows through the last steps of the chains, too."""

from collections.abc import Callable

import keras
import tensorflow as tf

from keras_dl.checks import check_count, check_number, refusal
from keras_dl.objectives.energy import PersistentContrastiveDivergence
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class ImprovedContrastiveDivergence(PersistentContrastiveDivergence):
    r"""Persistent contrastive divergence with the term that it usually leaves out (Du et al. 2021).

    With $q_\theta$ the density of the ends $\tilde x$ of chains, the gradient of contrastive divergence is that of
    $KL(p_\text{data} \| p_\theta) - KL(q_\theta \| p_\theta)$ only if $q_\theta$ is seen to depend on $\theta$
    ("Improved contrastive divergence training of energy-based models", equations 6 to 9). To the loss of
    `PersistentContrastiveDivergence` this adds

    $$\lambda\, E_{\bar\theta}(\tilde x_\theta) - \eta \log \min_j |\tilde x_\theta - y_j|$$

    The first term has its weights $\bar\theta$ frozen, and its gradient flows through the last Langevin steps of the
    chain alone. The second is the entropy of $q$, by the distance to the nearest of other samples $y$ of the buffer,
    up to constants. Of the paper's further parts, data augmentation between chains and energies of several scales,
    there are none here. The published code restarts chains with a probability of 0.001, and has an `energy_penalty` of
    1; it compares with the buffer once it holds 1,000 samples, and does not leave out the chain's own.

    Args:
        capacity: As for `PersistentContrastiveDivergence`.
        restart: As for `PersistentContrastiveDivergence`.
        energy_penalty: As for `ContrastiveDivergence`.
        kl_weight: $\lambda$.
        entropy_weight: $\eta$, 0.3 in the published code; by theory the sampler's temperature times the number of
            values per sample.
        neighbours: How many samples of the buffer $y$ are.
        last_steps: Steps through which the gradient flows; 1 in the paper.

    Raises:
        ValueError: If a number is out of range.

    Example:

    >>> ImprovedContrastiveDivergence(1000, entropy_weight=0.1)
    ImprovedContrastiveDivergence(capacity=1000, entropy_weight=0.1)
    """

    def __init__(
        self,
        capacity: int = 10_000,
        restart: float = 0.05,
        energy_penalty: float = 0.0,
        kl_weight: float = 1.0,
        entropy_weight: float = 0.3,
        neighbours: int = 100,
        last_steps: int = 1,
    ):
        super().__init__(capacity, restart, energy_penalty)
        self.kl_weight = check_number(kl_weight, "kl_weight", least=0)
        self.entropy_weight = check_number(entropy_weight, "entropy_weight", least=0)
        self.neighbours = check_count(neighbours, "neighbours", least=2)
        self.last_steps = check_count(last_steps, "last_steps")
        if self.neighbours > self.capacity:
            raise refusal("`neighbours` should be at most the capacity", neighbours=neighbours, capacity=capacity)

    def of_chains(self, energy: Callable, ends: Tensor, others: Tensor, own: Tensor) -> tuple[Tensor, dict]:
        """Returns what is added to the loss of each sample, and the logarithm of its distance to the nearest other.

        Args:
            energy: As for `EnergyObjective`.
            ends: Ends of chains, through whose last steps gradients flow, shape `(rows, ...)`.
            others: Samples of the buffer, shape `(neighbours, ...)`.
            own: Booleans, which of the others a chain has itself left there, shape `(rows, neighbours)`.
        """
        distance = _log_distance(ends, others, own)
        values = self.kl_weight * _frozen(energy, ends) - self.entropy_weight * distance
        return values, {"log_distance": distance}


def _frozen(energy, x):
    """Energies whose gradient flows to `x` alone, not to the weights."""
    fixed = tf.stop_gradient(x)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(fixed)
        values = energy(fixed)
        total = tf.reduce_sum(values)
    slope = tf.stop_gradient(tape.gradient(total, fixed, unconnected_gradients="zero"))
    moves = tf.reduce_sum(slope * (x - fixed), list(range(1, x.shape.rank)))  # zero but for its gradient
    return tf.stop_gradient(values) + moves


def _log_distance(x, others, own):
    """Logarithms of the distances of samples to the nearest of others, with gradients to the samples."""
    x, others = (tf.reshape(each, [tf.shape(each)[0], -1]) for each in (x, tf.stop_gradient(others)))
    fixed = tf.stop_gradient(x)
    squares = tf.reduce_sum(tf.square(others), -1) - 2.0 * tf.matmul(fixed, others, transpose_b=True)
    nearest = tf.gather(others, tf.argmin(tf.where(own, squares.dtype.max, squares), -1))
    return 0.5 * tf.math.log(tf.reduce_sum(tf.square(x - nearest), -1) + 1e-12)
