"""What a newcomer waits for: imports and first epochs, beside plain Keras, in seconds of processor time.

    python -m benchmarks.start --out benchmarks/results/start.json

Each arm is a process of its own; both train the same networks, `keras_dl` by its models, `keras` as a stock
`keras.Model` with a train step of its own where there are several networks. Processor time counts all threads, so that
it is comparable on a busy machine; the JSON file also holds the time on the wall.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ARMS = ("keras_dl", "keras")
MODELS = ("vae", "lenet", "unet", "wgan_gp")
SEED = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--models", default=",".join(MODELS), help="which models, comma-separated")
    parser.add_argument("--rounds", type=int, default=1, help="processes an arm, in turn")
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.arm:
        print(json.dumps(measured(arguments.arm, arguments.models.split(","))))
        return
    rounds = {arm: [] for arm in ARMS}
    for _ in range(arguments.rounds):
        for arm in ARMS:
            command = [sys.executable, "-m", "benchmarks.start", *sys.argv[1:], "--arm", arm]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            rounds[arm].append(json.loads(run.stdout.splitlines()[-1]))
    arguments.out.write_text(json.dumps(record(rounds, arguments.models.split(",")), indent=1) + "\n")


def record(rounds, models):
    """The figures: the least of the rounds per arm, and ratios of keras_dl to Keras."""
    from benchmarks.stamp import stamp
    from keras_dl import runtime

    least = {
        arm: {
            what: {clock: min(one[what][clock] for one in each) for clock in ("processor", "wall")}
            for what in ("import", *models)
        }
        for arm, each in rounds.items()
    }
    ratios = {
        what: round(least["keras_dl"][what]["processor"] / least["keras"][what]["processor"], 3)
        for what in ("import", *models)
    }
    return {
        **stamp(),
        "command": " ".join(["python -m benchmarks.start", *sys.argv[1:]]),
        "seed": SEED,
        "runtime": runtime.describe(),
        "seconds": least,
        "ratios of processor time": ratios,
    }


class Clock:
    """Seconds of processor time and on the wall since it was made."""

    def __init__(self):
        self.start = time.process_time(), time.perf_counter()

    def read(self):
        return {
            "processor": round(time.process_time() - self.start[0], 3),
            "wall": round(time.perf_counter() - self.start[1], 3),
        }


def measured(arm, models):
    """The times of one arm: its import, and of each model what building, compiling and the first epoch take."""
    clock = Clock()
    if arm == "keras_dl":
        import keras_dl  # noqa: F401
    else:
        import keras  # noqa: F401
        import tensorflow  # noqa: F401
    times = {"import": clock.read()}
    from benchmarks import start_models

    for name in models:
        clock = Clock()
        start_models.first_epoch(arm, name, SEED)
        times[name] = clock.read()
    return times


if __name__ == "__main__":
    main()
