"""One replica, two replicas and two workers take the same steps."""

import functools

import numpy as np
import pytest

from apps.launch import free_ports
from tests.processes import shared
from tests.runtime import replica_jobs

TOLERANCE = 1e-5
# The default run takes those that differ most: with memory and with inner updates. The others train apart.
SOME = ("remembers", "wgan_gp")
OTHERS = tuple(name for name in replica_jobs.MODELS if name not in SOME)
pytestmark = pytest.mark.slow
WAYS = ("two replicas", "worker 0 of two", "worker 1 of two")
# Two workers differ from two replicas by how they gather; of the others one gathers what none of the default run does:
# whole batches, whose rows it pairs.
ON_WORKERS = (*SOME, "classifier", "flow_matching")


def case(name, *values):
    return pytest.param(*values, name, marks=[pytest.mark.full] if name in OTHERS else [])


each_model = pytest.mark.parametrize("name", [case(name) for name in (*SOME, *OTHERS)])
each_way = pytest.mark.parametrize(
    ("way", "name"),
    [case(name, way) for name in (*SOME, *OTHERS) for way in WAYS if way == WAYS[0] or name in ON_WORKERS],
)


@pytest.fixture
def trained(request):
    """What each way of running made of the test's model and others, and of batch normalization."""
    return ways_of(OTHERS if request.node.callspec.params.get("name") in OTHERS else SOME)


@functools.cache
def ways_of(names):
    """What each way of running made of models: weights, histories, predictions; and of batch normalization."""
    ports, processes = free_ports(2), shared()
    on_workers = [name for name in names if name in ON_WORKERS]
    workers = [processes.start(replica_jobs.on_two_workers, index, ports, on_workers) for index in range(2)]
    chief, other = (worker.result(900) for worker in workers)
    one, *two = processes.call(replica_jobs.on_one_and_two_replicas, names, timeout=900)
    ways = dict(zip(WAYS, (two, chief, other), strict=True))
    return {"one replica": one} | {way: {**models, "normalized": found} for way, (models, found) in ways.items()}


@each_way
def test_fifty_steps_equal_those_of_one_replica(trained, way, name):
    found, expected = trained[way][name], trained["one replica"][name]
    for one, other in zip(found["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)
    assert found["history"].keys() == expected["history"].keys()
    for metric, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][metric], values, rtol=TOLERANCE, atol=TOLERANCE, err_msg=metric)


@each_way
def test_predictions_equal_those_of_one_replica(trained, way, name):
    found, expected = trained[way][name]["predictions"], trained["one replica"][name]["predictions"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@each_model
def test_training_moved_the_weights(trained, name):
    losses = next(iter(trained["one replica"][name]["history"].values()))
    assert abs(losses[0] - losses[-1]) > 100 * TOLERANCE


@pytest.mark.parametrize("way", WAYS)
def test_batch_normalization_has_one_average_on_all_replicas(trained, way):
    """Of the means of global batches, the last of which leaves one without rows; what is frozen stays to the bit."""
    found = trained[way]["normalized"]
    (gamma, beta, mean, variance, averaged), expected = found["replicas"], np.zeros(64)
    for start in range(0, replica_jobs.EMPTY, replica_jobs.BATCH):
        expected = (expected + found["data"][start : start + replica_jobs.BATCH].mean(0)) / 2
    for replica in (*mean, *averaged):
        np.testing.assert_allclose(replica, expected, rtol=1e-5, atol=1e-6)
    for values in (gamma, beta, mean, variance, averaged):
        for replica in values:
            np.testing.assert_array_equal(replica, values[0])
    for weight, kept in zip(*found["frozen"], strict=True):
        np.testing.assert_array_equal(weight, kept)
    np.testing.assert_allclose(*found["predictions"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", [case(name) for name in ON_WORKERS])
def test_workers_hold_equal_weights(trained, name):
    for index, values in enumerate(trained["worker 0 of two"]["normalized"]["replicas"]):
        np.testing.assert_array_equal(trained["worker 1 of two"]["normalized"]["replicas"][index], values)
    expected = trained["worker 0 of two"][name]
    for one, other in zip(trained["worker 1 of two"][name]["weights"], expected["weights"], strict=True):
        np.testing.assert_array_equal(one, other)
