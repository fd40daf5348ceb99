"""Metrics of samples see the same on one replica, two replicas and two workers."""

import numpy as np
import pytest

from apps.launch import free_ports
from tests.runtime import sample_metric_jobs


@pytest.mark.slow
@pytest.mark.full
def test_logs_equal_those_of_one_replica(processes):
    one, two = processes.call(sample_metric_jobs.on_one_and_two_replicas, timeout=300)
    ports = free_ports(2)
    workers = [processes.start(sample_metric_jobs.on_two_workers, index, ports) for index in range(2)]
    chief, other = (worker.result(300) for worker in workers)
    assert chief == other  # to the last bit: what they decide by it is the same
    expected, evaluated, best_epoch = one
    assert len(expected["val_kid"]) == 3 and expected["val_kid"][0] != expected["val_kid"][-1]
    for logs, after, best in (two, chief):
        assert best == best_epoch and logs.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(logs[name], values, rtol=1e-4, err_msg=name)
        np.testing.assert_allclose(list(after.values()), list(evaluated.values()), rtol=1e-4)
