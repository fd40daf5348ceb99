"""The curse of dimensionality: volume lies in the rind, and distances become alike.

A cube of side 2 has the share 1 - (1 - a)^n of its volume within a of its faces, and the cube of half its volume
reaches 2^(-1/n) of the way to them. The distance of a normal point from the origin has the mean
sqrt(2) G((n + 1) / 2) / G(n / 2) and the mean square n: its spread stays, and its ratio to the mean goes to 0.
"""

import math

import numpy as np

SIZES = (1, 2, 5, 10, 20, 50, 100)
RIND = 0.1
POINTS = 40_000


def rind(n, a=RIND):
    return 1 - (1 - a) ** n


def half_length(n):
    return 2 ** (-1 / n)


def spread(n):
    """The standard deviation of the distance of a normal point from the origin, over its mean."""
    mean = math.sqrt(2) * math.exp(math.lgamma((n + 1) / 2) - math.lgamma(n / 2))
    return math.sqrt(n - mean**2) / mean


#: What is measured -> its closed form.
FORMS = {f"volume within {RIND} of the faces": rind, "half-length": half_length, "spread of distances": spread}


def sampled(n, rng):
    """The three from random points: uniform in the cube, and normal."""
    largest = np.abs(rng.uniform(-1, 1, (POINTS, n))).max(axis=1)
    distances = np.linalg.norm(rng.standard_normal((POINTS, n)), axis=1)
    return np.mean(largest > 1 - RIND), np.median(largest), distances.std() / distances.mean()


def measure():
    rng, rows = np.random.default_rng(0), {}
    for n in SIZES:
        for (what, closed), value in zip(FORMS.items(), sampled(n, rng), strict=True):
            rows[f"{what}, {n} dimensions"] = (float(value), closed(n))
    return rows


def draw(figure):
    rows = measure()
    sizes = np.arange(1, SIZES[-1] + 1)
    for number, (panel, (what, closed)) in enumerate(zip(figure.subplots(1, 3), FORMS.items(), strict=True)):
        panel.plot(sizes, [closed(int(n)) for n in sizes], color=f"C{number}", label="closed form")
        panel.plot(SIZES, [rows[f"{what}, {n} dimensions"][0] for n in SIZES], "o", color=f"C{number}", label="sampled")
        panel.set(title=what.capitalize(), xlabel="dimensions", xscale="log", ylim=(0, 1.05))
        panel.legend()
