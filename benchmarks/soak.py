"""Runs the long tests, those marked `soak`, and keeps what each took and what it logged as a JSON file.

    KERAS_DL_DATA=FOLDER python -m benchmarks.soak --out benchmarks/results/soak.json

An hour or so: kills of training at random moments (25 of `vae`, one of every recipe, one of a worker), every precision
with XLA, steps a call and replicas, malformed input by hypothesis, and the modes of eight gaussians by three seeds. The
half hour of `tests/runtime/test_memory.py` has figures of its own and is left out.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree  # of our own pytest
from pathlib import Path

from benchmarks.stamp import ROOT, stamp

FILES = (
    "tests/runtime/test_kills.py",
    "tests/runtime/test_trained_recipes.py",
    "tests/runtime/test_precision.py",
    "tests/test_fuzz.py",
    "tests/models/test_gan_modes.py",
)
LOGGED = re.compile(r"^\S+ +\S+ +\S+:\d+ (.*)", re.MULTILINE)  # level, logger, file:line, what it says


def outcome(case):
    """What one test came to."""
    told = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    log = "".join(child.text or "" for child in case if child.tag.startswith("system-"))
    found = {"outcome": told[0] if told else "passed", "seconds": round(float(case.get("time")), 1)}
    lines = [line for line in LOGGED.findall(log) if "kill" in line]
    return {**found, "log": lines} if lines else found


def main():
    """Runs the tests and writes the record; ends with pytest's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", default=FILES, help="test files (default: all but the memory's)")
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON file; other files' tests in it stand")
    options = parser.parse_args()
    out = Path(options.out)
    record = json.loads(out.read_text()) if out.exists() else {}
    for file in options.files:
        command = ["-m", "pytest", "-q", "-m", "soak", file]
        about = {**stamp(), "command": f"python {' '.join(command)}"}
        with tempfile.TemporaryDirectory() as folder:
            xml = os.path.join(folder, "junit.xml")
            made = [f"--junitxml={xml}", "-o", "junit_logging=all", "-o", "log_level=INFO"]
            code = subprocess.run([sys.executable, *command, *made], cwd=ROOT, check=False).returncode
            cases = ElementTree.parse(xml).iter("testcase")
            record[file] = {**about, "exit_code": code, "tests": {case.get("name"): outcome(case) for case in cases}}
        out.write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(max(record[file]["exit_code"] for file in options.files))


if __name__ == "__main__":
    main()
