"""One replica, two replicas and two workers take the same steps."""

import numpy as np
import pytest

from apps.launch import free_ports
from tests.runtime import replica_jobs

TOLERANCE = 1e-5
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(processes):
    """What each way of running made of every model: weights, histories, predictions."""
    ports = free_ports(2)
    workers = [processes.start(replica_jobs.on_two_workers, index, ports) for index in range(2)]
    chief, other = (worker.result(300) for worker in workers)
    one, two = processes.call(replica_jobs.on_one_and_two_replicas, timeout=300)
    return {"one replica": one, "two replicas": two, "worker 0 of two": chief, "worker 1 of two": other}


@pytest.mark.parametrize("name", replica_jobs.MODELS)
@pytest.mark.parametrize("way", ["two replicas", "worker 0 of two", "worker 1 of two"])
def test_fifty_steps_equal_those_of_one_replica(trained, way, name):
    found, expected = trained[way][name], trained["one replica"][name]
    for one, other in zip(found["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)
    assert found["history"].keys() == expected["history"].keys()
    for metric, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][metric], values, rtol=TOLERANCE, atol=TOLERANCE, err_msg=metric)


@pytest.mark.parametrize("name", replica_jobs.MODELS)
@pytest.mark.parametrize("way", ["two replicas", "worker 0 of two", "worker 1 of two"])
def test_predictions_equal_those_of_one_replica(trained, way, name):
    found, expected = trained[way][name]["predictions"], trained["one replica"][name]["predictions"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", replica_jobs.MODELS)
def test_training_moved_the_weights(trained, name):
    losses = next(iter(trained["one replica"][name]["history"].values()))
    assert abs(losses[0] - losses[-1]) > 100 * TOLERANCE


def test_workers_hold_equal_weights(trained):
    for name, expected in trained["worker 0 of two"].items():
        for one, other in zip(trained["worker 1 of two"][name]["weights"], expected["weights"], strict=True):
            np.testing.assert_array_equal(one, other)
