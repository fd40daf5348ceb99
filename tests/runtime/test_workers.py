"""Two workers of which one is killed: the other ends with a message, and both resume to the bit."""

import signal

import numpy as np
import pytest

from apps.launch import free_ports
from keras_dl.runtime import latest
from tests.runtime import worker_jobs


@pytest.mark.slow
@pytest.mark.full
def test_a_lost_worker_ends_the_run_which_resumes(processes, tmp_path):
    folder, lopsided = tmp_path / "checkpoints", tmp_path / "lopsided"
    ports = free_ports(2)
    arguments = ports, str(folder), str(lopsided)
    chief, other = (processes.start(worker_jobs.lose_a_worker, index, *arguments) for index in range(2))
    seen = chief.result(200)
    assert other.wait() == -signal.SIGKILL
    assert not seen["written by the other"] and latest(lopsided) is not None
    assert seen["disagreement"].endswith("Received: none, one of step 24")
    assert "Received: worker 1 has gone" in seen["loss"]
    assert latest(folder).name == "epoch_00001_step_000000010"

    ports = free_ports(2)
    workers = [processes.start(worker_jobs.go_on, index, ports, str(folder)) for index in range(2)]
    for found in (worker.result(200) for worker in workers):
        assert found["history"] == seen["history"]
        for one, other in zip(found["weights"], seen["weights"], strict=True):
            np.testing.assert_array_equal(one, other)
