"""Mixtures, components and priors on replicas: the weights of one device, empty replica batches included."""

import numpy as np
import pytest

from tests.runtime import linear_jobs


@pytest.mark.full
@pytest.mark.slow
def test_replicas_fit_as_one_device(processes):
    one, two = processes.call(linear_jobs.on_one_and_two_replicas, timeout=600)
    assert one.keys() == two.keys() == linear_jobs.CASES.keys()
    for name, weights in one.items():
        for ours, theirs in zip(weights, two[name], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4, err_msg=name)
