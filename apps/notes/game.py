"""A GAN in one dimension: densities, the optimal discriminator, its value, and the generator's gradients.

Data are N(0, 1), the generator draws N(m, 1). The optimal discriminator is p / (p + q), here a sigmoid of
m^2 / 2 - m x, and the value of the game -2 log 2 + 2 JSD(p, q), whose least is -2 log 2 at m = 0 (Goodfellow et al.
2014). In m, the saturating loss log(1 - D) has the slope E[m D] and the other, -log D, E[m (1 - D)]: they add up to m,
and far from the data all of it is in the second.
"""

import numpy as np
from scipy import integrate, special, stats

MEANS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
SAMPLES = 20_000


def discriminator(x, m):
    return special.expit(m**2 / 2 - m * x)


def expected(function, mean):
    """The mean of a function of a normal variable, by quadrature."""
    return integrate.quad(lambda x: function(x) * stats.norm.pdf(x, mean), mean - 12, mean + 12, limit=200)[0]


def value(m):
    """The value of the game against the optimal discriminator, in nats; its logarithms are of logits, and finite."""
    real = expected(lambda x: special.log_expit(m**2 / 2 - m * x), 0.0)
    return real + expected(lambda x: special.log_expit(m * x - m**2 / 2), m)


def divergence(m):
    """Twice the Jensen-Shannon divergence of N(0, 1) and N(m, 1), from the entropies of them and of their mixture."""

    def density(x):
        return (stats.norm.pdf(x) + stats.norm.pdf(x, m)) / 2

    entropy = integrate.quad(lambda x: special.entr(density(x)), -12, m + 12, limit=200, points=(0, m))[0]
    return 2 * (entropy - 0.5 * np.log(2 * np.pi * np.e))


def slopes(m):
    """The slopes in m of the generator's saturating and non-saturating loss, by reparameterised quadrature."""
    step = 1e-5

    def loss(form, mean):
        return expected(lambda x: form(m**2 / 2 - m * x), mean)

    forms = (lambda z: special.log_expit(-z), lambda z: -special.log_expit(z))
    return [(loss(form, m + step) - loss(form, m - step)) / (2 * step) for form in forms]


def trained(m):
    """The slope and offset of a discriminator that is fitted to samples, by Newton's method."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal(SAMPLES), m + rng.standard_normal(SAMPLES)])
    features, labels = np.stack([x, np.ones_like(x)], axis=1), np.repeat([1.0, 0.0], SAMPLES)
    weights = np.zeros(2)
    for _ in range(20):
        share = special.expit(features @ weights)
        hessian = (features * (share * (1 - share))[:, None]).T @ features
        weights += np.linalg.solve(hessian, features.T @ (labels - share))
    return weights


def measure():
    rows = {}
    for m in MEANS:
        rows[f"value, m = {m:g}"] = (value(m), -2 * np.log(2) + divergence(m))
        rows[f"sum of the two slopes, m = {m:g}"] = (sum(slopes(m)), m)
    rows["saturating slope, m = 8"] = (slopes(8.0)[0], 8 * expected(lambda x: discriminator(x, 8.0), 8.0))
    for name, fitted, closed in zip(("slope", "offset"), trained(1.0), (-1.0, 0.5), strict=True):
        rows[f"discriminator fitted to {SAMPLES:,} + {SAMPLES:,} samples, m = 1: {name}"] = (fitted, closed)
    return rows


def draw(figure):
    densities, values, gradients = figure.subplots(1, 3)
    x, means = np.linspace(-4, 6, 401), np.linspace(0, 8, 17)
    densities.fill_between(x, stats.norm.pdf(x), alpha=0.4, label="data")
    densities.fill_between(x, stats.norm.pdf(x, 2.0), alpha=0.4, label="generator, m = 2")
    densities.plot(x, discriminator(x, 2.0), color="C2", label="optimal discriminator")
    densities.axhline(0.5, color="0.6", linestyle=":")
    values.plot(means, [value(m) for m in means], color="C2")
    values.axhline(-2 * np.log(2), color="0.6", linestyle=":", label="-2 log 2")
    saturating, other = zip(*(slopes(m) for m in means), strict=True)
    gradients.plot(means, saturating, label="log(1 - D), saturating")
    gradients.plot(means, other, label="-log D")
    densities.set(title="Densities", xlabel="x")
    values.set(title="Value of the game, nats", xlabel="m")
    gradients.set(title="Slope of the generator's loss", xlabel="m")
    for panel in (densities, values, gradients):
        panel.legend()
