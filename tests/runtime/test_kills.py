"""A run that is killed again and again ends with the weights of one that never was."""

import logging
import signal

import numpy as np
import pytest

from tests.runtime import jobs


def check_survival(processes, folder, kills, epochs, seed, job_of=jobs.train_until_killed):
    """Kills a run that many times, resumes it each time, and compares its end with that of an undisturbed one."""
    expected = processes.call(job_of, str(folder / "undisturbed"), epochs)
    for kill in range(kills):
        job = processes.start(job_of, str(folder / "killed"), epochs, 1000 * seed + kill)
        code = job.wait()
        logging.info("kill %d: exit code %d, %s", kill, code, job.output().strip())
        assert code == -signal.SIGKILL, job.output()
    found = processes.call(job_of, str(folder / "killed"), epochs)
    for name in ("weights", "averages"):
        for one, other in zip(found[name], expected[name], strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)
    assert found["history"] == expected["history"]


@pytest.mark.slow
@pytest.mark.full
def test_three_kills(processes, tmp_path):
    """In the midst of writing a checkpoint, after a step, and at a moment."""
    check_survival(processes, tmp_path, kills=3, epochs=6, seed=1)


@pytest.mark.soak
def test_many_kills(processes, tmp_path):
    check_survival(processes, tmp_path, kills=25, epochs=100, seed=2)


@pytest.mark.slow
@pytest.mark.full
def test_three_kills_of_a_model_that_remembers(processes, tmp_path):
    check_survival(processes, tmp_path, kills=3, epochs=8, seed=3, job_of=jobs.remember_until_killed)


@pytest.mark.soak
def test_twenty_kills_of_a_model_that_remembers(processes, tmp_path):
    check_survival(processes, tmp_path, kills=20, epochs=60, seed=3, job_of=jobs.remember_until_killed)
