"""Mode coverage: which components of a known mixture generated samples reach."""

import math
from typing import Any, NamedTuple

import numpy as np

from keras_dl.checks import check_number, refusal
from keras_dl.metrics.estimate import Estimate, check_pair, mean
from keras_dl.metrics.sample_metric import SampleMetric, vectors
from keras_dl.types import Tensor


class Modes(NamedTuple):
    """How samples meet the modes of a mixture.

    Attributes:
        good: `Estimate`, the share of samples near a mode.
        covered: Int, the number of modes that enough samples are near to.
        shares: Float array of shape `(num_modes,)`, the share of samples near each mode.
    """

    good: Estimate
    covered: int
    shares: np.ndarray


def mode_coverage(
    samples: Tensor, centres: Tensor, deviation: float, num_deviations: float = 3.0, smallest_share: float = 0.01
) -> Modes:
    """Counts the modes of a mixture that samples reach, and the samples that reach one (Srivastava et al., 2017).

    A sample is near the mode of the nearest centre if it lies within `num_deviations` deviations of it. Of a normal
    distribution in the plane, 98.9% of the samples lie within three deviations.

    Args:
        samples: Array of shape `(num_samples, size)`.
        centres: Array of shape `(num_modes, size)`.
        deviation: Float, of every mode in each dimension.
        num_deviations: Float, how far a sample may lie from a centre.
        smallest_share: Float, the share of all samples that must be near a mode for it to be covered.

    Returns:
        `Modes(good, covered, shares)`.

    Raises:
        ValueError: If the arrays have other shapes or hold NaN, or a number is out of range.

    Example:

    >>> samples = np.array([[0.0, 0.1], [0.1, 0.0], [5.0, 5.0], [5.0, 9.0]])
    >>> modes = mode_coverage(samples, [[0.0, 0.0], [5.0, 5.0], [9.0, 9.0]], deviation=0.1)
    >>> float(modes.good.value), modes.covered, modes.shares.tolist()
    (0.75, 2, [0.5, 0.25, 0.0])
    """
    samples, centres = check_pair(samples, centres, least=1, names=("samples", "centres"))
    for name, value in (("deviation", deviation), ("num_deviations", num_deviations)):
        if check_number(value, name) <= 0:
            raise refusal(f"`{name}` should be a number above 0", **{name: value})
    if not 0 <= check_number(smallest_share, "smallest_share") <= 1:
        raise refusal("`smallest_share` should be from 0 to 1", smallest_share=smallest_share)
    distances = np.linalg.norm(samples[:, None] - centres, axis=-1)
    good = distances.min(1) <= num_deviations * deviation
    shares = np.bincount(distances.argmin(1)[good], minlength=len(centres)) / len(samples)
    share = mean(good.astype(float)) if len(good) > 1 else Estimate(float(good[0]), math.nan)
    return Modes(share, int(((shares > 0) & (shares >= smallest_share)).sum()), shares)


class ModeCoverage(SampleMetric):
    """Share of a mixture's modes that generated samples reach, and share of samples that reach one.

    See `mode_coverage`; keys `"modes"` and `"good_samples"`, higher is better. The real samples do not count: the modes
    are known.

    Args:
        centres: Array of shape `(num_modes, size)`, such as `keras_dl.data.centres("eight_gaussians")`.
        deviation: Float, of every mode in each dimension.
        num_deviations: Float, how far a sample may lie from a centre.
        smallest_share: Float, the share of all samples that must be near a mode for it to be covered.

    Example:

    >>> x, _ = keras_dl.data.sample_points("grid", 5000)
    >>> float(ModeCoverage(keras_dl.data.centres("grid"), deviation=0.05)(x, x)["modes"].value)
    1.0
    """

    titles = {"modes": "modes covered", "good_samples": "samples near a mode"}
    direction = "max"

    def __init__(self, centres: Tensor, deviation: float, num_deviations: float = 3.0, smallest_share: float = 0.01):
        super().__init__()
        self.titles = self.titles | {"good_samples": f"samples within {num_deviations:g} deviations"}
        self.centres, self.deviation = np.asarray(centres), deviation
        self.num_deviations, self.smallest_share = num_deviations, smallest_share

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        options = (self.centres, self.deviation, self.num_deviations, self.smallest_share)
        modes = mode_coverage(vectors(generated), *options)
        return {"modes": Estimate(modes.covered / len(self.centres), 0.0), "good_samples": modes.good}
