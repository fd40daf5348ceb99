"""Training steps beside those of another checkout of this project, in turn: what has been added costs so much.

    git worktree add ../before COMMIT
    python -m benchmarks.builds --other ../before --workloads W1 W2 W3 --out FILE

Each is timed in a process of its own by one thread, in time of the processor, which other programs hardly disturb, for
some steps at a time. A third process runs this checkout without looking for NaN and infinities, which shows what that
costs. W1 is compiled by XLA, as in a long run.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Workload -> the steps that are timed at once: whole stacks, where steps are stacked.
STEPS = {"W1": 320, "W1p": 320, "W2": 33, "W3": 13}


def answer(workload, guarded):
    """Builds a workload, and answers each line with the seconds of a step.

    Not by `benchmarks.worker`, which is another in each build: both are timed alike.
    """
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    from benchmarks import workloads

    if not guarded:
        from keras_dl.models.base import finite, step

        finite.Finiteness.note = lambda *arguments: None
        step.gradient_probe = lambda *arguments: tf.constant(0.0)
    keras.utils.set_random_seed(0)
    model, data = workloads.TRAINING[workload]()
    if workload.startswith("W1"):
        model.compile(keras.optimizers.Adam(1e-3), jit_compile=True)
    marks = []

    class Marks(keras.callbacks.Callback):
        acts_on_batches = False

        def on_train_batch_end(self, batch, logs=None):
            marks.append((time.process_time(), int(model.state.step.numpy())))

    for _ in sys.stdin:
        marks.clear()
        model.fit(**data, steps_per_epoch=STEPS[workload], verbose=0, callbacks=[Marks()])
        (start, first), (stop, last) = marks[0], marks[-1]
        print(json.dumps((stop - start) / (last - first)), flush=True)


class Build:
    """A checkout's process that times a workload.

    Args:
        folder: The checkout.
        workload: Name of the workload.
        options: More of the command line.
    """

    def __init__(self, folder, workload, *options):
        threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
        environment = os.environ | threads | {"PYTHONPATH": str(folder)}
        # -P: the benchmarks are those of the folder, not those beside this file.
        command = [sys.executable, "-P", __file__, "--answer", workload, *options]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)

    def seconds(self):
        """Seconds of a step, the mean of some."""
        print(file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()


def compared(workload, other, rounds):
    """Medians of the ratios of each round: beside the other checkout, and beside itself without looking for NaN."""
    with contextlib.ExitStack() as stack:
        builds = {"other": Build(other, workload), "this": Build(ROOT, workload)}
        builds["unguarded"] = Build(ROOT, workload, "--unguarded")
        for build in builds.values():
            stack.callback(build.close)
            build.seconds()  # what is compiled is left out
        rows = [{name: build.seconds() for name, build in builds.items()} for _ in range(rounds)]
    ratios = {name: statistics.median(row["this"] / row[name] for row in rows) for name in ("other", "unguarded")}
    milliseconds = {name: [round(1e3 * row[name], 3) for row in rows] for name in builds}
    return {"beside_other": ratios["other"], "beside_unguarded": ratios["unguarded"], "milliseconds": milliseconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", type=Path, metavar="FOLDER", help="the other checkout")
    parser.add_argument("--workloads", nargs="+", default=["W1", "W2", "W3"], choices=STEPS)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--out", metavar="FILE")
    parser.add_argument("--answer", choices=STEPS, help="time steps of one workload for each line that is read")
    parser.add_argument("--unguarded", action="store_true", help="without looking for NaN and infinities")
    options = parser.parse_args()
    if options.answer:
        answer(options.answer, not options.unguarded)
        return
    if options.other is None or not (options.other / "benchmarks" / "workloads.py").is_file():
        parser.error(f"--other should be a checkout of this project. Received: {options.other}")
    from benchmarks.stamp import stamp

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=options.other, capture_output=True, text=True)
    record = {"command": " ".join(["python -m benchmarks.builds", *sys.argv[1:]]), **stamp()}
    record |= {"other": commit.stdout.strip(), "workloads": {}}
    for workload in options.workloads:
        figures = compared(workload, options.other.resolve(), options.rounds)
        record["workloads"][workload] = figures
        print(workload, {name: value for name, value in figures.items() if name != "milliseconds"}, flush=True)
        if options.out:
            Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
