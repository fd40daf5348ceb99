"""All modes of a mixture: eight gaussians, as in benchmarks/eight_gaussians.py."""

import pytest

from benchmarks import eight_gaussians


@pytest.mark.soak
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("game", "share"), [("non_saturating_r1", 0.95), ("wgan_gp", 0.9)])
def test_eight_gaussians(game, share, seed):
    found = eight_gaussians.run(game, seed)
    assert found["modes"] == 8
    assert found["good"] >= share
