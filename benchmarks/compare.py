"""Times keras_dl beside its peers, interleaved, and writes the table.

    python -m benchmarks.compare --workloads W1,W1p,W2 --peers ../shared/bench --rounds 7 \
        --python torch=../torchenv/bin/python --python jax=../jaxenv/bin/python

On a shared machine the speed drifts. Within a workload all variants are timed in turn, A B C A B C ..., each in a
long-lived process of its own, and ratios are medians of the ratios of each round. The peers' workers (`bench_tf.py`,
`bench_torch.py`, `bench_jax.py` in the folder `--peers`) are plain code of their frameworks, no part of this project;
from W8 on they are here (`PEERS_HERE`).
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.stamp import stamp
from benchmarks.worker import ONE_THREAD

ROOT = Path(__file__).resolve().parent.parent

#: PyTorch's variants of networks of images.
LAYOUTS = ["torch:eager", "torch:eager_cl", "torch:compile", "torch:compile_cl"]
#: keras_dl's step with Keras' Adam in place of the fused one.
OWN = "keras_dl:keras_adam"
#: Plain TensorFlow first, then the other frameworks: for each workload the variants that were fastest so far.
#: `@1` behind a name: one thread an operation.
PEERS = {
    "W1": ["tf:fit_js16", "tf:tff_j16", "tf:fit_j1", "tf:kerasio_n", "torch:compile", "jax:jit", "jax:scan16"],
    "W1p": ["tf:gather+js16", "tf:slices+n16", "tf:numpy", "torch:eager_index", "torch:eager_dl2", "jax:jit"],
    "W2": ["tf:fit_n16", "tf:fit_n16+fa", "tf:fit_j1", "tf:kerasio_n", "torch:cl", "torch:compile", "jax:jit", OWN],
    "W3": ["tf:fit_n1", "tf:fit_n1+fa", "tf:tff_n", "tf:kerasio_n", "torch:cl", "torch:compile", OWN],
    "W4": ["tf:fit_n1", "tf:fit_n1+fa", "tf:fit_n16", "tf:kerasio_n", "torch:eager", "torch:cl", "torch:compile"],
    "W5": ["tf:fit_n1+fbn", "tf:fit_n16+fbn+fa", "tf:fit_n1", "tf:kerasio_n", "torch:cl", "torch:compile_cl"],
    "W7a": [
        *("tf:frozen", "tf:tff_n", "tf:tff_j", "tf:predict", "torch:eager", "torch:cl", "torch:compile", "jax:jit"),
        *("keras_dl@1:saved_model", "keras_dl:predict_on_batch", "keras_dl:onnx", "keras_dl:litert"),
    ],
    "W7b": ["tf:frozen", "tf:tff_n", "tf:predict", "torch:eager", "torch:cl", "torch:compile", "jax:jit"],
    "W6": ["tf:fit_n16", "tf:fit_n1", "tf:fit_n16+fa", "torch:eager", "torch:compile", "jax:scan16"],
    "W8": ["keras_dl:function", "keras_dl:predict_on_batch", "keras_dl:onnx", "tf:function", "tf:predict_on_batch"]
    + ["tf:saved_model", "tf:frozen", "torch:eager", "torch:eager_cl", "torch:compile", "torch:compile_freezing_cl"],
    **{name: ["torch:eager", "torch:compile"] for name in ("W9", "W9s", "W9a")},
    "W9as": ["torch:eager"],  # 320 passes, which would be compiled one by one
    **dict.fromkeys(("W10", "W10s", "W14", "W15", "W16", "W17"), LAYOUTS),
    **dict.fromkeys(("W11", "W13"), ["torch:eager_cl", "torch:compile_cl"]),
    "W11s": ["keras_dl:network", "torch:eager_cl", "torch:compile_cl"],
    "W12": ["torch:eager_cl", "torch:compile_cl", "torch:compile_grad_cl"],
    "W14g": [*LAYOUTS, "torch:compile_grouped"],
}
#: What the ratios are of, where it is not `fit`; and, of workloads whose peers are here, PyTorch's side.
OURS = {"W7a": "keras_dl:saved_model", "W8": "keras_dl:saved_model"}
OURS |= dict.fromkeys(("W9s", "W9as", "W10s", "W11s", "W12"), "keras_dl:sample")
OURS |= {"W14g": "keras_dl:generate", "W16": "keras_dl:upscale"}
FAMILIES = ("W9", "W9s", "W9a", "W9as", "W10", "W10s", "W11", "W11s", "W12", "W13")
PEERS_HERE = {"W8": "benchmarks.resnet18_torch", **dict.fromkeys(FAMILIES, "benchmarks.families_torch")}
PEERS_HERE |= dict.fromkeys(("W14", "W14g", "W15", "W16", "W17"), "benchmarks.images_torch")


class Worker:
    """A process that times variants on request, each operation by so many threads as stand behind an `@`.

    Args:
        framework: `"keras_dl"`, `"tf"`, `"torch"` or `"jax"`, with `@` and a number of threads or without.
        module: The module to run, or `None` for the file of the framework in the folder `peers`.
        pythons: Interpreters by framework.
        peers: The folder.
    """

    def __init__(self, framework, module, pythons, peers):
        framework, _, threads = framework.partition("@")
        command = ["-m", module, framework] if module else [f"bench_{framework}.py"]
        self.process = subprocess.Popen(
            [pythons.get(framework, sys.executable), *command],
            cwd=ROOT if module else peers,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | ({"TF_NUM_INTRAOP_THREADS": threads} if threads else {}),
        )
        self.process.stdout.readline()

    def ask(self, **command):
        """Sends a command and returns the answer."""
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline() or '{"ok": false, "error": "the process ended"}')


def module_of(workload, framework):
    """The module that times a workload, or `None` where it is a file of the folder of peers."""
    if framework == "torch":
        return PEERS_HERE.get(workload)
    return "benchmarks.worker" if framework.startswith("keras_dl") or workload in PEERS_HERE else None


def measure(workload, workers, rounds, seconds, only=None):
    """Seconds a step of every variant of a workload, a list a variant, one entry a round, ours first; and notes."""
    times, notes = {}, {}
    for name in [OURS.get(workload, "keras_dl:fit"), *(PEERS[workload] if only is None else only.split(","))]:
        framework, variant = name.split(":")
        answer = workers(workload, framework).ask(cmd="setup", w=workload, v=variant)
        print(f"  {name}: {answer.get('note', '') if answer['ok'] else answer['error']}", flush=True)
        if answer["ok"]:
            times[name], notes[name] = [], answer.get("note", "")
    for _ in range(rounds):
        for name in times:
            framework, variant = name.split(":")
            answer = workers(workload, framework).ask(cmd="time", w=workload, v=variant, seconds=seconds)
            times[name].append(answer["s"] if answer["ok"] else float("nan"))
    for framework in {name.split(":")[0] for name in times}:
        workers(workload, framework).ask(cmd="drop")
    return times, notes


def summary(times):
    """Medians in milliseconds, and ratios of keras_dl to the fastest plain TensorFlow and to the best other peer."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours = next(iter(times))

    def ratio(candidates):
        if not candidates:
            return None
        best = min(candidates, key=medians.get)
        pairs = zip(times[ours], times[best], strict=True)
        return {"of": best, "ratio": statistics.median(own / theirs for own, theirs in pairs)}

    return {
        "ms": {name: round(1e3 * value, 3) for name, value in sorted(medians.items(), key=lambda item: item[1])},
        "to_plain_tensorflow": ratio([name for name in medians if name.startswith("tf:")]),
        "to_best_peer": ratio([name for name in medians if name.startswith(("torch:", "jax:"))]),
        "to_keras_adam": ratio([name for name in medians if name == OWN]),
    }


def processor():
    """The processor's name and the number of cores."""
    info = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    names = [line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def main():
    """Runs the comparison that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", default="W1,W1p,W2", help=f"comma list of {', '.join(PEERS)}")
    parser.add_argument("--only", help="time just these, a comma list such as keras_dl:keras_adam, beside keras_dl:fit")
    parser.add_argument("--peers", default=".", help="folder of the peers' workers of W1 to W7")
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="a peer's interpreter")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for a variant in a round")
    parser.add_argument("--out", help="JSON file for the results")
    help = "times of the processor by one thread an operation, which other programs hardly disturb (from W8 on)"
    parser.add_argument("--one-thread", action="store_true", help=help)
    options = parser.parse_args()
    if options.one_thread:
        os.environ |= {ONE_THREAD: "1", "TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    pythons = dict(item.split("=", 1) for item in options.python)
    pythons = {name: os.path.abspath(path) for name, path in pythons.items()}
    running, load = {}, os.getloadavg()[0]

    def workers(workload, framework):
        key = framework, module_of(workload, framework)
        if key not in running:
            running[key] = Worker(*key, pythons, os.path.abspath(options.peers))
        return running[key]

    found = {}
    record = {**stamp(), "command": "python -m benchmarks.compare " + " ".join(sys.argv[1:]), "processor": processor()}
    record |= {"load_before": load, "seed": 0, "results": found}
    for workload in options.workloads.split(","):
        print(workload, flush=True)
        times, notes = measure(workload, workers, options.rounds, options.seconds, options.only)
        found[workload] = summary(times) | {"notes": notes}
        print(json.dumps(found[workload], indent=1), flush=True)
        if options.out:  # after each, so that a long run that is ended has what it measured
            Path(options.out).write_text(json.dumps(record, indent=1) + "\n")
    for worker in running.values():
        worker.ask(cmd="quit") if worker.process.poll() is None else None


if __name__ == "__main__":
    main()
