"""Keeps the figures of a run as a small JSON file with command, commit and seed.

    python -m benchmarks.record runs/bm --commit 1a2b3c4 --out benchmarks/results/vae_binarized_mnist.json
"""

import argparse
import json
from pathlib import Path


def main():
    """Gathers what `apps.train` and `apps.evaluate` left in run folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", help="run folders, evaluated with apps.evaluate")
    parser.add_argument("--commit", required=True, help="the commit that ran")
    parser.add_argument("--out", required=True, help="JSON file to write")
    options = parser.parse_args()
    runs = []
    for folder in map(Path, options.runs):
        config, evaluation = (json.loads((folder / name).read_text()) for name in ("config.json", "evaluation.json"))
        command = " ".join(part if i == 0 or config["command"][i - 1] != "--out" else f"runs/{folder.name}"
                           for i, part in enumerate(config["command"]))  # fmt: skip
        samples = f" --num-samples {evaluation['num_samples']}" if "num_samples" in evaluation else ""
        evaluate = f"python -m apps.evaluate runs/{folder.name}{samples}"
        seconds = json.loads((folder / "results.json").read_text())["seconds"]
        run = {"command": command, "evaluate": evaluate, "seed": config["seed"], "seconds": seconds}
        runs.append({**run, **evaluation})
    record = {"commit": options.commit, "versions": config["versions"], "runs": runs}
    Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
