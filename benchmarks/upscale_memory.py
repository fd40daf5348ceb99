"""How much memory ESPCN takes to enlarge images of several sizes tile by tile, from a memory map into another (W16).

    python -m benchmarks.upscale_memory --out benchmarks/results/upscale_memory.json

Each size in a process of its own: the peak of the memory that only the process has (`RssAnon`; pages of memory maps can
be dropped at any time) before and while the image is enlarged.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import keras_dl
from benchmarks.images import TILE
from benchmarks.scans_memory import Watch
from benchmarks.stamp import stamp

ROOT = Path(__file__).resolve().parent.parent
SIZES = ((1080, 1920), (2160, 3840), (4320, 7680))


def measured(height, width):
    """Peaks in MB before and while an image is enlarged, and the seconds it takes."""
    watch = Watch()
    watch.start()
    model = keras_dl.models.SuperResolution(keras_dl.networks.espcn(scale=2))
    model.upscale(np.zeros((TILE, TILE, 1), "float32"))
    time.sleep(0.1)
    with tempfile.TemporaryDirectory() as folder:
        image = np.lib.format.open_memmap(f"{folder}/x.npy", "w+", "float32", (height, width, 1))
        image[:] = np.random.default_rng(0).random((1, width, 1), dtype=np.float32)
        out = np.lib.format.open_memmap(f"{folder}/y.npy", "w+", "float32", (2 * height, 2 * width, 1))
        watch.stage, start = "enlarging", time.perf_counter()
        model.upscale(image, tile=TILE, out=out)
        seconds = time.perf_counter() - start
    before, peak = (round(1e3 * watch.peaks[stage]) for stage in ("imports", "enlarging"))
    return {"before": before, "peak": peak, "seconds": round(seconds, 2)}


def main():
    """Measures each size in a process, and prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=2, help="measure this size here")
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    if options.size:
        print(json.dumps(measured(*options.size)))
        return
    results = {}
    for height, width in SIZES:
        command = [sys.executable, "-m", "benchmarks.upscale_memory", "--size", str(height), str(width)]
        run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        results[f"{height}x{width}"] = json.loads(run.stdout.splitlines()[-1])
        print(f"{height}x{width}", results[f"{height}x{width}"], flush=True)
    if options.out:
        record = stamp() | {"command": "python -m benchmarks.upscale_memory " + " ".join(sys.argv[1:])}
        Path(options.out).write_text(json.dumps(record | {"tile": TILE, "megabytes": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
