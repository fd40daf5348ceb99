#!/usr/bin/env bash
# Memory of tensors that are gone, on a processor without an accelerator: given back or not, as oneDNN is off or on.
#
# TensorFlow 2.21.0 on Linux x86-64. Five tensors of 100 MB are drawn and deleted, the garbage collector runs and the C
# library is told to trim its heap. Seen on two cores with AVX-512:
#   - TF_ENABLE_ONEDNN_OPTS=0: the process holds what it held before, within 20 MB;
#   - TF_ENABLE_ONEDNN_OPTS=1, the default on this processor: it holds 700 MB while they are there, and for good. Large
#     allocations come from a pool of the kind that TensorFlow has for GPUs, which returns nothing to the system; later
#     tensors reuse it.
# So the memory of a long process is that of its largest step rather than of what it holds, and rises where sizes vary,
# as in a search over networks. Fails if either changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "tensorflow-cpu==2.21.0" 2>/dev/null ||
    "$folder/venv/bin/pip" install -q "tensorflow==2.21.0"

cat >"$folder/program.py" <<'PYTHON'
import ctypes, gc
from pathlib import Path

import tensorflow as tf


def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


tf.random.stateless_normal([10], [0, 0])  # starts the runtime
before = resident()
tensors = [tf.random.stateless_normal([25_000_000], [seed, 0]) for seed in range(5)]
during = resident() - before
del tensors
gc.collect()
ctypes.CDLL("libc.so.6").malloc_trim(0)
print(during, resident() - before)
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3
read -r during_off after_off < <(TF_ENABLE_ONEDNN_OPTS=0 "$folder/venv/bin/python" "$folder/program.py" 2>/dev/null)
read -r during_on after_on < <(TF_ENABLE_ONEDNN_OPTS=1 "$folder/venv/bin/python" "$folder/program.py" 2>/dev/null)
echo "oneDNN off: $during_off MB while 500 MB of tensors were there, $after_off MB after; on: $during_on MB, $after_on MB"
[[ $during_off -gt 450 && $after_off -lt 50 && $after_on -gt 450 ]]
