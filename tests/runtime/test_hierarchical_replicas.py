"""Hierarchical autoencoders on replicas: weights, balance, batch statistics and power iteration of one device."""

import numpy as np
import pytest

from tests.runtime import hierarchical_jobs


@pytest.mark.slow
def test_replicas_train_as_one_device(processes):
    one, two = processes.call(hierarchical_jobs.on_one_and_two_replicas, timeout=600)
    for ours, theirs in zip(one, two, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
