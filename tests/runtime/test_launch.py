"""`apps.launch` with small commands in place of training."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from apps import launch

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHO = "import json, os; task = json.loads(os.environ['TF_CONFIG'])['task']['index']; "


def start(code, *options):
    command = [sys.executable, "-m", "apps.launch", *options, "--", sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, timeout=300):
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def test_workers_know_each_other_and_their_output_is_told_apart():
    code = "import os, sys; print(os.environ['TF_CONFIG']); print('oops', file=sys.stderr)"
    status, out, err = finish(start(code, "--workers", "3"))
    configs = dict(re.findall(r"\[(worker \d)\] (.*)\n", out))
    assert status == 0 and sorted(configs) == ["worker 0", "worker 1", "worker 2"]
    assert sorted(err.splitlines()) == [f"[worker {index}] oops" for index in range(3)]
    configs = [json.loads(configs[f"worker {index}"]) for index in range(3)]
    assert [config["task"] for config in configs] == [{"type": "worker", "index": index} for index in range(3)]
    workers = configs[0]["cluster"]["worker"]
    assert all(config["cluster"]["worker"] == workers for config in configs) and len(set(workers)) == 3
    assert all(worker.startswith("localhost:") for worker in workers)


def test_workers_of_a_search_know_its_chief():
    names = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "TF_CONFIG"
    code = f"import os; print(*(os.environ.get(name) for name in {names}))"
    status, out, _ = finish(start(code, "--workers", "2", "--search"))
    told = {name: text.split() for name, text in re.findall(r"\[(.*)\] (.*)\n", out)}
    assert status == 0 and {name: text[0] for name, text in told.items()} == {
        "chief": "chief", "worker 0": "tuner0", "worker 1": "tuner1"
    }  # fmt: skip
    assert len({tuple(text[1:]) for text in told.values()}) == 1


@pytest.mark.parametrize(
    ("ending", "status", "message"),
    [
        ("raise SystemExit(7)", 7, "worker 1 failed with exit code 7: ending the others"),
        ("os.kill(os.getpid(), 9)", 137, "worker 1 was ended by SIGKILL: ending the others"),
    ],
)
def test_a_worker_that_fails_ends_the_others(ending, status, message):
    code = WHO + f"import time\nif task == 1:\n    {ending}\nprint('waiting', flush=True)\ntime.sleep(600)"
    found, _, err = finish(start(code, "--workers", "3"), timeout=300)  # the others would sleep for longer
    assert found == status and message in err
    assert err.count("launch:") == 1
    began = time.monotonic()
    command = [sys.executable, "-c", code]
    assert launch.Workers(command, launch.cluster(3), grace=600).run() == status  # they are asked to end, not killed
    assert time.monotonic() - began < 300


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_every_worker(number):
    code = (
        WHO + "import os, signal, sys, time\n"
        "def stop(number, frame):\n"
        "    time.sleep(task)\n"  # the second is not done when the first ends
        "    os.write(1, f'got {signal.Signals(number).name}\\n'.encode())\n"  # print may be under way already
        "    sys.exit(4)\n"
        f"signal.signal({int(number)}, stop)\nprint('ready', flush=True)\ntime.sleep(600)"
    )
    process = start(code, "--workers", "2")
    ready = [process.stdout.readline(), process.stdout.readline()]
    assert all("ready" in line for line in ready)
    process.send_signal(number)
    status, out, err = finish(process)
    assert status == 128 + number
    assert sorted(out.splitlines()) == [f"[worker {index}] got {number.name}" for index in range(2)]
    assert err == ""


def test_workers_that_do_not_end_are_killed(capfd):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
    )
    stubborn = [sys.executable, "-c", WHO + f"exec({code!r}) if task else (__import__('time').sleep(1), exit(3))"]
    began = time.monotonic()
    assert launch.Workers(stubborn, launch.cluster(2), grace=0.5).run() == 3
    assert time.monotonic() - began < 300
    assert "worker 0 failed with exit code 3" in capfd.readouterr().err


def test_children_of_workers_end_with_them(tmp_path):
    child = tmp_path / "child"
    write = f"open({str(child)!r}, 'w').write(str(process.pid))"
    spawn = f"import subprocess; process = subprocess.Popen(['sleep', '60']); {write}; process.wait()"
    code = WHO + f"import time, os\nif task == 0: exec({spawn!r})\n"
    code += f"while not os.path.exists({str(child)!r}) or not open({str(child)!r}).read(): time.sleep(0.05)\nexit(5)"
    assert finish(start(code, "--workers", "2"))[0] == 5
    number = int(child.read_text())
    for _ in range(50):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        if "Z" in pathlib.Path(f"/proc/{number}/stat").read_text():  # ended, waiting for its new parent
            return
        time.sleep(0.05)
    raise AssertionError("the child of a worker lives on")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "2"], "no command; write it after --"),
        (["--workers", "0", "--", "true"], "expected a whole number from 1 to 64"),
        (["--worker", "2", "--", "true"], "--workers"),
        (["--workers", "2", "--", "no-such-program"], "cannot start 'no-such-program'"),
    ],
)
def test_mistakes_are_answered_with_one_message(options, message):
    command = [sys.executable, "-m", "apps.launch", *options]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 2 and message in run.stderr and "Traceback" not in run.stderr
