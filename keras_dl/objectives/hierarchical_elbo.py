"""Bound on the log-likelihood of hierarchical latent variable models."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.configurable import Configurable
from keras_dl.objectives.schedules import Schedule, check_weight, value_at
from keras_dl.types import Tensor

BALANCING = (None, "code", "paper")
_LEAST_RATE = 0.01  # nats, added to each mean rate by the published code


@keras.saving.register_keras_serializable(package="keras_dl")
class HierarchicalELBO(Configurable):
    r"""Negative evidence lower bound over groups of latents, in nats per sample.

    $$-\log p(x | z) + \beta \sum_{l=1}^L \gamma_l \max(\lambda, R_l), \qquad
      R_l = D_{KL}(q(z_l | x, z_{<l}) \| p(z_l | z_{<l}))$$

    While the rate warms up, $\beta < 1$, groups are balanced (Vahdat & Kautz 2020, "NVAE", appendix A): a group that
    carries little for its size is charged less, one that carries much is charged more,

    $$\gamma_l = \frac{L \hat\gamma_l}{\sum_k \hat\gamma_k}, \qquad \hat\gamma_l = \frac{\bar R_l + 0.01}{s_l / g_l}$$

    with $\bar R_l$ the group's mean rate over the batch before, $s_l$ the number of its latents and $g_l$ the number of
    groups of its shape. Division by the size is what the published code does (`"code"`). The paper prints a
    proportionality, $\hat\gamma_l = s_l (\bar R_l + 0.01)$, which its author calls a misprint (`"paper"`). No gradient
    flows through $\gamma$. The code takes the rates of the batch itself; those of the one before are known to all
    replicas.

    Args:
        beta: $\beta$, a number or a schedule of the training step.
        free_bits: $\lambda$, nats per group below which its rate is not pushed, sample by sample.
        balancing: `None`, `"code"` or `"paper"`.

    Example:

    >>> import numpy as np
    >>> elbo = keras_dl.objectives.HierarchicalELBO(0.5, balancing="code")
    >>> [round(float(g), 3) for g in elbo.coefficients(np.array([1.99, 0.99]), [(4,), (4, 4)], step=0)]
    [1.778, 0.222]
    """

    def __init__(self, beta: float | Schedule = 1.0, free_bits: float = 0.0, balancing: str | None = None):
        if balancing not in BALANCING:
            raise refusal(f"`balancing` should be one of {BALANCING}", balancing=balancing)
        self.beta = check_weight(beta, "beta")
        self.free_bits = check_weight(free_bits, "free_bits")
        self.balancing = balancing

    def coefficients(self, mean_rates: Tensor, shapes: Sequence, step: Tensor) -> Tensor:
        r"""Returns $\gamma$, a tensor of shape `(groups,)`: ones where the rate is not warming up, or not yet known.

        Args:
            mean_rates: $\bar R$, a tensor of shape `(groups,)`.
            shapes: Shapes of the groups' latents.
            step: The training step.
        """
        rates = tf.stop_gradient(tf.abs(tf.cast(mean_rates, tf.float32))) + _LEAST_RATE
        if self.balancing is None:
            return tf.ones_like(rates)
        sizes = np.array([np.prod(shape) for shape in shapes], "float32")
        groups = np.array([sum(shape == other for other in shapes) for shape in shapes], "float32")
        raw = rates * sizes if self.balancing == "paper" else rates * groups / sizes
        warms_up = (value_at(self.beta, step) < 1.0) & tf.reduce_any(mean_rates != 0.0)
        return tf.where(warms_up, raw / tf.reduce_mean(raw), tf.ones_like(raw))

    def __call__(
        self, distortion: Tensor, rates: Tensor, mean_rates: Tensor, shapes: Sequence, step: Tensor
    ) -> tuple[Tensor, dict]:
        """Returns the objective of every sample and the terms to track.

        Args:
            distortion: Minus the log-likelihood given the latents, shape `(batch,)`.
            rates: Rates of the groups, the coarsest first, shape `(batch, groups)`.
            mean_rates: Their means over the batch before, shape `(groups,)`.
            shapes: Shapes of the groups' latents.
            step: The training step.

        Returns:
            `(values, terms)`: a tensor of shape `(batch,)`, and a dict of such tensors by the names of `terms`.
        """
        charged = rates
        if callable(self.free_bits) or self.free_bits:
            charged = tf.maximum(rates, value_at(self.free_bits, step))
        weights = value_at(self.beta, step) * self.coefficients(mean_rates, shapes, step)
        rate = tf.reduce_sum(rates, -1)
        terms = {"elbo": -distortion - rate, "rate": rate, "distortion": distortion}
        terms |= {f"rate_{number}": rates[:, number - 1] for number in range(1, len(shapes) + 1)}
        return distortion + tf.reduce_sum(weights * charged, -1), terms

    @staticmethod
    def terms(groups: int) -> tuple[str, ...]:
        """The names of the terms of a model of so many groups."""
        return ("elbo", "rate", "distortion", *(f"rate_{number}" for number in range(1, groups + 1)))
