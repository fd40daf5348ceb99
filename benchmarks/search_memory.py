"""Memory of a long hyperparameter search: what its processes hold together, by the number of trials begun.

    python -m benchmarks.search_memory --recipes vae wgan_gp --trials 60 --out benchmarks/results/search_memory.json
    python -m benchmarks.search_memory --recipes vae --set network=mlp --set hidden_units=256 --out FILE

Each search is one command, `python -m apps.tune`, of trials of one epoch on the digits. What its processes hold is read
ten times a second. `ratio` is the peak of the whole search beside that of the first five trials. Where the sizes of
networks are searched, a later trial may need more by itself; `--set` fixes them.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.process_memory import together
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


def search(recipe, trials, values, folder):
    """Runs one search; returns the peaks of memory in MB by the number of trials begun, and the mean seconds of one."""
    command = [sys.executable, "-m", "apps.tune", recipe, "--dataset", "digits", "--epochs", "1", "--seed", "0"]
    command += ["--trials", str(trials), "--out", str(folder), *(f"--set={value}" for value in values)]
    peaks = [0.0] * (trials + 1)
    with (folder.parent / f"{recipe}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        while process.poll() is None:
            begun = len(list(folder.glob("trials/trial_*/record.json")))
            peaks[begun] = max(peaks[begun], together(processes(process.pid)) / 2**20)
            time.sleep(INTERVAL)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(folder.parent / f'{recipe}.log').read_text()[-2000:]}")
    records = [json.loads(path.read_text()) for path in folder.glob("trials/trial_*/record.json")]
    return peaks, statistics.fmean(record["seconds"] for record in records)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="+", default=["vae", "wgan_gp"])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="what is not searched")
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    record = {"command": " ".join(["python -m benchmarks.search_memory", *sys.argv[1:]]), **stamp(), "seed": 0}
    for recipe in options.recipes:
        with tempfile.TemporaryDirectory() as folder:
            peaks, seconds = search(recipe, options.trials, options.set, Path(folder) / "search")
        first, whole = max(peaks[: FIRST + 1]), max(peaks)
        record[recipe] = {"first_MB": round(first), "peak_MB": round(whole), "ratio": round(whole / first, 3)}
        record[recipe]["seconds_per_trial"] = round(seconds, 2)
        record[recipe]["MB_by_trials_begun"] = [round(peak) for peak in peaks]
        Path(options.out).write_text(json.dumps(record, indent=1) + "\n")
        print(recipe, record[recipe], flush=True)


if __name__ == "__main__":
    main()
