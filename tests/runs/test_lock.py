"""Locks of run folders: one process at a time, and no harm from one that was killed."""

import json
import os
import socket
import subprocess
import sys

import pytest

from keras_dl.report.processes import started
from keras_dl.runs import lock

HOLDER = """
import sys
from keras_dl.runs.lock import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def holder(tmp_path_factory):
    """A folder that another process holds, and that process."""
    folder = tmp_path_factory.mktemp("held")
    program = [sys.executable, "-c", HOLDER, str(folder)]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield folder, process
    process.kill()
    process.wait()


def test_a_held_folder_is_refused_until_its_process_is_killed(holder):
    folder, process = holder
    message = f"process {process.pid} on {socket.gethostname()} is at it.*Received: "
    with pytest.raises(BlockingIOError, match=message), lock.locked(folder):
        pass
    process.kill()
    process.wait()
    assert (folder / lock.FILE).is_file()
    with lock.locked(folder):
        assert json.loads((folder / lock.FILE).read_text())["pid"] == os.getpid()
    assert list(folder.iterdir()) == []


SLOW = """
import sys, time
from keras_dl.runs import lock
started = lock.started
def slowly(pid):
    if pid == int(sys.argv[2]):
        print("looks", flush=True)
        time.sleep(1)
    return started(pid)
lock.started = slowly
with lock.locked(sys.argv[1]):
    sys.stdin.read()
"""


def test_of_two_processes_that_find_a_stale_lock_one_takes_it_over(tmp_path):
    stale = owner(pid=2**22 + 1)
    (tmp_path / lock.FILE).write_text(json.dumps(stale))
    program = [sys.executable, "-c", SLOW, str(tmp_path), str(stale["pid"])]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "looks\n"
        with pytest.raises(BlockingIOError, match=f"process {process.pid} on"), lock.locked(tmp_path):
            pass
        process.stdin.close()
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_held_once_and_given_back(tmp_path):
    with lock.locked(tmp_path):
        with lock.locked(tmp_path):
            pass
        assert (tmp_path / lock.FILE).is_file()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError), lock.locked(tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def owner(**changes):
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": started(os.getpid())} | changes


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        (owner(started=1), False),  # the number of a process that has ended, given to a new one
        (owner(pid=2**22 + 1), False),
        (owner(host="elsewhere"), True),  # what runs there cannot be seen
        (owner(pid=os.getppid(), started=started(os.getppid())), True),
        ("not json", True),
    ],
)
def test_stale_locks_are_taken_over_and_others_respected(content, refused, tmp_path):
    file = tmp_path / lock.FILE
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    if refused:
        with pytest.raises(BlockingIOError, match="if that has ended, remove"), lock.locked(tmp_path):
            pass
        assert file.is_file()
    else:
        with lock.locked(tmp_path):
            assert json.loads(file.read_text()) == owner()
