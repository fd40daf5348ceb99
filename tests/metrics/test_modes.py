"""Mode coverage: by hand and on the mixtures themselves."""

import numpy as np
import pytest
from scipy import stats

from keras_dl import data, metrics


def test_by_hand():
    """Of ten samples five are near the first centre, two near the second, one near the third, two near none."""
    centres = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [9.0, 9.0]]
    samples = [[0.0, 0.1]] * 5 + [[4.0, 0.3], [4.0, -0.2], [0.1, 4.0], [2.0, 0.0], [0.0, 0.31]]
    modes = metrics.mode_coverage(samples, centres, deviation=0.1, smallest_share=0.15)
    assert modes.good.value == 0.8 and modes.covered == 2
    np.testing.assert_allclose(modes.shares, [0.5, 0.2, 0.1, 0.0])
    assert modes.good.standard_error == pytest.approx(np.sqrt(0.8 * 0.2 / 9))
    assert metrics.mode_coverage(samples, centres, deviation=0.1, smallest_share=0.0).covered == 3


@pytest.mark.parametrize(("name", "count"), [("eight_gaussians", 8), ("grid", 25)])
def test_the_mixture_covers_itself(name, count):
    x, y = data.sample_points(name, 20_000)
    modes = metrics.mode_coverage(x, data.centres(name), 0.05)
    assert modes.covered == count and abs(modes.good.value - stats.chi2(2).cdf(9)) < 4 * modes.good.standard_error
    some = metrics.ModeCoverage(data.centres(name), 0.05)(x, x[y < count - 3])
    assert some["modes"].value == pytest.approx((count - 3) / count)


def test_bad_arguments_are_refused():
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match="`deviation`.*Received: deviation=0"):
        metrics.mode_coverage(x, x, 0)
    with pytest.raises(ValueError, match="`smallest_share`.*Received: smallest_share=2"):
        metrics.mode_coverage(x, x, 0.1, smallest_share=2)
    with pytest.raises(ValueError, match="one size.*Received: samples of size 2, centres of size 3"):
        metrics.mode_coverage(x, np.zeros((4, 3)), 0.1)
