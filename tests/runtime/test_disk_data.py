"""Data on disk on replicas and workers: the weights of one device, each row read by one worker; and its memory."""

import numpy as np
import pytest

from apps.launch import free_ports
from tests.runtime import disk_jobs
from tests.runtime.jobs import digits

TOLERANCE = 2e-6


def assert_alike(result, expected):
    for one, other in zip(result["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)
    for metric, values in expected["history"].items():
        np.testing.assert_allclose(result["history"][metric], values, rtol=TOLERANCE, err_msg=metric)


@pytest.mark.slow
@pytest.mark.full
def test_replicas_and_workers_train_as_one_device_and_share_the_reading(processes, tmp_path):
    np.save(tmp_path / "x.npy", digits(200)[0])
    ports, path = free_ports(2), str(tmp_path / "x.npy")
    workers = [processes.start(disk_jobs.on_two_workers, index, ports, path) for index in range(2)]
    one, two = processes.call(disk_jobs.on_one_and_two_replicas, path)
    chief, other = (worker.result(300) for worker in workers)
    for result in (two, chief, other):
        assert_alike(result, one)
    # Of each epoch, each row comes to one worker; a few more are looked at before training and by validation.
    looked_at = 2 * 64 + 64 + 37
    rows = disk_jobs.ROWS * disk_jobs.EPOCHS
    for worker in (chief, other):
        assert len(worker["rows"]) < rows / 2 + disk_jobs.EPOCHS * (37 / 2 + 8) + looked_at + 64
    assert len(one["rows"]) >= rows


@pytest.mark.full
def test_the_memory_of_training_does_not_grow_with_the_rows(processes, tmp_path):
    peaks = []
    for count in (10_000, 60_000):  # whose images hold 41 and 246 MB
        path = str(tmp_path / f"{count}.npy")
        disk_jobs.write_images(path, count)
        peaks.append(processes.call(disk_jobs.peak_of_training, path))
    assert peaks[1] < 1.1 * peaks[0], peaks
