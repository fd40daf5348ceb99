"""Points in the plane from known distributions, on which a generative model's mistakes can be seen."""

import math

import numpy as np

from keras_dl.checks import check_count, check_seed, refusal

NAMES = ("eight_gaussians", "ring", "grid")


def sample_points(name, num_samples, seed=0):
    """Draws points of a named distribution in the plane.

    | name | distribution |
    |---|---|
    | `eight_gaussians` | mixture of 8 normals of deviation 0.05 around points evenly spaced on the circle of radius 2 |
    | `ring` | the circle of radius 2, with normal noise of deviation 0.05 in each coordinate |
    | `grid` | mixture of 25 normals of deviation 0.05 around the points of {-2, -1, 0, 1, 2}^2 |

    Args:
        name: One of the names above.
        num_samples: How many points.
        seed: Integer that fixes the draw.

    Returns:
        `(x, y)`: float32 points of shape `(num_samples, 2)`, and which component each comes from, int32 of shape
        `(num_samples,)`; `None` for the ring.

    Raises:
        ValueError: For an unknown name, or a number or seed that is none.

    Example:

    >>> x, y = sample_points("eight_gaussians", 1000)
    >>> bool(np.abs(x - centres("eight_gaussians")[y]).max() < 0.25)
    True
    """
    if name not in NAMES:
        raise refusal(f"name should be one of {NAMES}", name=name)
    num_samples, rng = check_count(num_samples, "num_samples"), np.random.default_rng(check_seed(seed))
    if name == "ring":
        angle = rng.uniform(0, 2 * math.pi, num_samples)
        middle, y = 2.0 * np.stack([np.cos(angle), np.sin(angle)], axis=-1), None
    else:
        y = rng.integers(0, len(centres(name)), num_samples).astype("int32")
        middle = centres(name)[y]
    return (middle + 0.05 * rng.standard_normal((num_samples, 2))).astype("float32"), y


def centres(name):
    """The means of a mixture's components, float64 of shape `(num_components, 2)`.

    Raises:
        ValueError: For a name that is not a mixture's.
    """
    if name == "eight_gaussians":
        angles = np.arange(8) * math.pi / 4
        return 2.0 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    if name == "grid":
        return np.stack(np.meshgrid(*[np.arange(-2.0, 3.0)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    raise refusal('name should be "eight_gaussians" or "grid", a mixture', name=name)


def load(name):
    """Returns 50,000 training points and 10,000 held-out ones, as `keras_dl.data.load` gives them."""
    return sample_points(name, 50_000, seed=0), sample_points(name, 10_000, seed=1)
