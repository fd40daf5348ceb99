"""How much memory large scans take from their files to patches, most of which are memory maps.

    python -m benchmarks.scans_memory --cases 50 --sizes 512 512 300

Writes CTs of noise with three classes into a temporary folder ($TMPDIR; as much again for the memory maps), and then,
in this process, opens and plans them, prepares fold 0 and draws batches of patches, as a training does. Prints the peak
of the memory that only this process has (`RssAnon`; pages of memory maps can be dropped at any time), and what
TensorFlow takes of it before anything is read.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from benchmarks.process_memory import memory
from keras_dl.data import segmentation
from keras_dl.tasks.scans import Scans


class Watch(threading.Thread):
    """Samples the memory of this process; `peaks` holds the largest value of each stage in GB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stage, self.peaks = "imports", {}

    def run(self):
        while True:
            self.peaks[self.stage] = max(self.peaks.get(self.stage, 0.0), memory("RssAnon") / 1e9)
            time.sleep(0.02)


def write(folder, count, sizes):
    """Writes CTs in Hounsfield units and masks of two organs."""
    import nibabel

    for kind in ("imagesTr", "labelsTr"):
        (folder / kind).mkdir()
    (folder / "dataset.json").write_text('{"channel_names": {"0": "CT"}, "labels": {"background": 0, "a": 1, "b": 2}}')
    for number in range(count):
        edge = 0.7 + 0.2 * number / count  # so that all but a few are resampled
        affine = np.diag([edge, edge, 1.0, 1.0])
        rng = np.random.default_rng(number)
        image, labels = rng.integers(-1000, 1000, sizes, dtype="int16"), np.zeros(sizes, "uint8")
        labels[tuple(slice(n // 4, n // 2) for n in sizes)] = 1
        labels[tuple(slice(n // 2, n // 2 + 9) for n in sizes)] = 2
        for kind, array in (("imagesTr", image), ("labelsTr", labels)):
            nibabel.save(nibabel.Nifti1Image(array, affine), folder / kind / f"case_{number:03d}.nii")


def measured(folder, steps):
    """Peaks of memory in GB by stage."""
    watch = Watch()
    watch.start()
    time.sleep(0.1)
    watch.stage = "opened and looked at"
    data = Scans.load("scans", str(folder))
    plan = segmentation.plan(data.spec.fingerprint)
    watch.stage = "prepared"
    options = {"plan": plan.to_dict(), "fold": 0, "foreground": 1 / 3, "augmentation": "none", "mirroring": True}
    training, _ = data.pipelines({**options, "steps": steps, "deep_supervision": False}, seed=0)
    watch.stage = "patches"
    for _ in training:
        pass
    return watch.peaks


def main():
    """Measures, and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--sizes", type=int, nargs=3, default=(512, 512, 300))
    parser.add_argument("--steps", type=int, default=20, help="batches of patches")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), options.cases, tuple(options.sizes))
        start = time.perf_counter()
        peaks = measured(Path(folder), options.steps)
    peaks = {stage: round(peak, 3) for stage, peak in peaks.items()}
    print(json.dumps({"gigabytes": peaks, "seconds": round(time.perf_counter() - start, 1)}, indent=1))


if __name__ == "__main__":
    main()
