"""All modes of a mixture: eight gaussians, as in benchmarks/eight_gaussians.py."""

import pytest

from benchmarks import eight_gaussians

SEEDS = [0, pytest.param(1, marks=pytest.mark.soak), pytest.param(2, marks=pytest.mark.soak)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("game", "share"), [pytest.param("non_saturating_r1", 0.95, marks=pytest.mark.soak), ("wgan_gp", 0.9)]
)
@pytest.mark.full
def test_eight_gaussians(game, share, seed):
    found = eight_gaussians.run(game, seed)
    assert found["modes"] == 8
    assert found["good"] >= share
