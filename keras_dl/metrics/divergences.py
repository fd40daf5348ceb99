"""Divergences between tfp distributions: exact if there is a closed form, else estimated with a standard error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_dl.checks import refusal
from keras_dl.metrics.estimate import Estimate, mean

tfd = tfp.distributions

# Convex functions with f(1) = 0, of t = p / q (Nowozin et al., 2016, table 1).
GENERATORS = {
    "kl": lambda t: t * np.log(t),
    "reverse_kl": lambda t: -np.log(t),
    "jensen_shannon": lambda t: 0.5 * (t * np.log(t) - (t + 1) * np.log((t + 1) / 2)),
    "total_variation": lambda t: 0.5 * np.abs(t - 1),
    "squared_hellinger": lambda t: 0.5 * (np.sqrt(t) - 1) ** 2,
    "pearson_chi2": lambda t: (t - 1) ** 2,
}
# Beyond this ratio of log-probabilities one of the two densities counts as this much smaller, and not as 0.
LARGEST_LOG_RATIO = 300.0


def kl_divergence(p: Any, q: Any, num_samples: int | None = None, seed: int | None = None) -> Estimate:
    """Returns the Kullback-Leibler divergence `KL(p || q) = E_p[log p(x) - log q(x)]` in nats.

    Args:
        p: `tfp.distributions.Distribution`.
        q: `tfp.distributions.Distribution` of the same event shape.
        num_samples: Int, samples of p to estimate by; `None` for the closed form, and 10,000 samples if there is
            none.
        seed: Int, or `None` for fresh samples.

    Returns:
        An `Estimate(value, standard_error)`.

    Raises:
        ValueError: If the event shapes differ, or `num_samples` is below 2.

    Example:

    >>> p, q = tfd.Normal(0.0, 1.0), tfd.Normal(1.0, 1.0)
    >>> float(kl_divergence(p, q).value)
    0.5
    """
    _check(p, q, num_samples)
    if num_samples is None:
        try:
            return _exact(tfd.kl_divergence(p, q))
        except NotImplementedError:
            num_samples = 10_000
    p, q = _same_batch_shape(p, q)
    x = p.sample(num_samples, seed=_seeds(seed)[0])
    return mean(_log_ratio(p, q, x))


def jensen_shannon_divergence(p: Any, q: Any, num_samples: int = 10_000, seed: int | None = None) -> Estimate:
    """Returns the Jensen-Shannon divergence `KL(p || m) / 2 + KL(q || m) / 2`, `m = (p + q) / 2`, in nats.

    It lies between 0 and log 2. Distributions over finitely many values are summed, others sampled.

    Args:
        p: `tfp.distributions.Distribution`.
        q: `tfp.distributions.Distribution` of the same event shape.
        num_samples: Int, samples of each of the two.
        seed: Int, or `None` for fresh samples.

    Returns:
        An `Estimate(value, standard_error)`.

    Raises:
        ValueError: If the event shapes differ, or `num_samples` is below 2.

    Example:

    >>> p, q = tfd.Bernoulli(probs=0.0), tfd.Bernoulli(probs=1.0)
    >>> round(float(jensen_shannon_divergence(p, q).value), 6)
    0.693147
    """
    return f_divergence("jensen_shannon", p, q, num_samples, seed)


def f_divergence(f: str | Callable, p: Any, q: Any, num_samples: int = 10_000, seed: int | None = None) -> Estimate:
    """Returns the f-divergence `D_f(p || q) = E_q[f(p(x) / q(x))]` (Csiszar, 1967).

    Distributions over finitely many values are summed. Others are estimated with samples from both, weighted as samples
    of `m = (p + q) / 2`: `E_m[(q / m) f(p / q)]`, so that no weight exceeds 2 (for Jensen-Shannon, total variation and
    Hellinger the terms are bounded, too).

    Args:
        f: `"kl"` (t log t), `"reverse_kl"` (-log t), `"jensen_shannon"`, `"total_variation"` (|t - 1| / 2),
            `"squared_hellinger"` ((sqrt(t) - 1)^2 / 2), `"pearson_chi2"` ((t - 1)^2), or a convex function with f(1) =
            0 from a NumPy array of ratios above 0 to an array.
        p: `tfp.distributions.Distribution`.
        q: `tfp.distributions.Distribution` of the same event shape.
        num_samples: Int, samples of each of the two.
        seed: Int, or `None` for fresh samples.

    Returns:
        An `Estimate(value, standard_error)`.

    Raises:
        ValueError: If `f` is unknown or `f(1)` is not 0, the event shapes differ, or `num_samples` is below 2.

    Example:

    >>> import math
    >>> p, q = tfd.Normal(0.0, 1.0), tfd.Normal(1.0, 1.0)
    >>> estimate = f_divergence("total_variation", p, q, seed=0)
    >>> bool(abs(estimate.value - math.erf(0.5 / 2**0.5)) < 4 * estimate.standard_error)
    True
    """
    f = _generator(f)
    _check(p, q, num_samples)
    tables = _probabilities(p), _probabilities(q)
    if all(table is not None for table in tables):
        return _finite(f, *tables)
    p, q = _same_batch_shape(p, q)
    seeds = _seeds(seed)
    means = [
        mean(_terms(f, _log_ratio(p, q, d.sample(num_samples, seed=s)))) for d, s in zip((p, q), seeds, strict=True)
    ]
    value = (means[0].value + means[1].value) / 2
    return Estimate(value, np.hypot(means[0].standard_error, means[1].standard_error) / 2)


def _generator(f):
    if isinstance(f, str):
        if f not in GENERATORS:
            raise refusal(f"`f` should be a function or one of {sorted(GENERATORS)}", f=f)
        return GENERATORS[f]
    if not callable(f) or abs(float(np.squeeze(f(np.ones(1))))) > 1e-6:
        raise refusal("`f` should be a function with f(1) = 0", f=f)
    return f


def _check(p, q, num_samples):
    if p.event_shape != q.event_shape:
        raise refusal("distributions should have one event shape", f"event shapes {p.event_shape} and {q.event_shape}")
    if num_samples is not None and num_samples < 2:
        raise refusal("`num_samples` should be at least 2", f"num_samples={num_samples}")


def _same_batch_shape(p, q):
    shape = tf.broadcast_static_shape(p.batch_shape, q.batch_shape)
    broadcast = []
    for d in (p, q):
        broadcast.append(d if d.batch_shape == shape else tfd.BatchBroadcast(d, to_shape=shape))
    return broadcast


def _seeds(seed):
    """Returns two stateless seeds."""
    return np.random.SeedSequence(seed).generate_state(4).astype("int32").reshape(2, 2)


def _log_ratio(p, q, x):
    return (tf.cast(p.log_prob(x), "float64") - tf.cast(q.log_prob(x), "float64")).numpy()


def _terms(f, log_ratio):
    """Returns `(q / m) f(p / q)`."""
    log_ratio = np.clip(log_ratio, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)
    return f(np.exp(log_ratio)) * 2 / (1 + np.exp(log_ratio))


def _exact(value):
    value = np.asarray(value)
    return Estimate(value, np.zeros_like(value))


def _probabilities(distribution):
    """Returns the probabilities `(..., values)` of a distribution over finitely many values, else `None`."""
    if isinstance(distribution, tfd.Bernoulli):
        one = distribution.probs_parameter().numpy().astype("float64")
        return np.stack([1 - one, one], axis=-1)
    if isinstance(distribution, (tfd.Categorical, tfd.OneHotCategorical)):
        return distribution.probs_parameter().numpy().astype("float64")
    return None


def _finite(f, p, q):
    """Sums `q f(p / q)` over values; where a probability is 0 it counts as 1e-30 of the other."""
    smallest = 1e-30 * np.maximum(p, q)
    p_safe, q_safe = np.maximum(p, smallest), np.maximum(q, smallest)
    both_zero = (p == 0) & (q == 0)
    ratio = np.where(both_zero, 1.0, p_safe / np.where(both_zero, 1.0, q_safe))
    return _exact((q_safe * f(ratio)).sum(-1))
