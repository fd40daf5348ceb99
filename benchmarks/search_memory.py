"""Memory of a long hyperparameter search: the resident memory of its processes after every trial.

    python -m benchmarks.search_memory --recipes vae wgan_gp --trials 60 --out benchmarks/results/search_memory.json

Each search is one command, `python -m apps.tune`, of trials of one epoch on the digits. What its processes hold is read
ten times a second. `ratio` is the peak of the whole search beside that of the first five trials.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.process_memory import memory
from benchmarks.stamp import ROOT, stamp

FIRST = 5  # trials, after which a search should need no more
INTERVAL = 0.1


def processes(root):
    """The numbers of a process and of all that descend from it."""
    children = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
        children.setdefault(parent, []).append(int(folder.name))
    family = [root]
    for process in family:
        family += children.get(process, [])
    return family


def resident(root):
    """What a process and its descendants hold, in MB."""
    total = 0
    for process in processes(root):
        with contextlib.suppress(OSError):  # it has just ended
            total += memory("VmRSS", process)
    return total / 2**20


def search(recipe, trials, folder):
    """Runs one search; returns the peaks of memory in MB by the number of trials that have ended."""
    command = [sys.executable, "-m", "apps.tune", recipe, "--dataset", "digits", "--epochs", "1", "--seed", "0"]
    command += ["--trials", str(trials), "--out", str(folder)]
    peaks = [0.0] * (trials + 1)
    with (folder.parent / f"{recipe}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        while process.poll() is None:
            ended = len(list(folder.glob("trials/trial_*/record.json")))
            peaks[min(ended, trials)] = max(peaks[min(ended, trials)], resident(process.pid))
            time.sleep(INTERVAL)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(folder.parent / f'{recipe}.log').read_text()[-2000:]}")
    return peaks


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="+", default=["vae", "wgan_gp"])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    record = {"command": " ".join(["python -m benchmarks.search_memory", *sys.argv[1:]]), **stamp(), "seed": 0}
    for recipe in options.recipes:
        with tempfile.TemporaryDirectory() as folder:
            peaks = search(recipe, options.trials, Path(folder) / "search")
        first, whole = max(peaks[: FIRST + 1]), max(peaks)
        record[recipe] = {"first_MB": round(first), "peak_MB": round(whole), "ratio": round(whole / first, 3)}
        record[recipe]["MB_by_trials_ended"] = [round(peak) for peak in peaks]
        Path(options.out).write_text(json.dumps(record, indent=1) + "\n")
        print(recipe, record[recipe], flush=True)


if __name__ == "__main__":
    main()
