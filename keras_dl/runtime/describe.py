"""Description of what a program computes with: versions, processor, devices, threads and libraries of kernels."""

import os
import platform
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port

import keras_dl
from keras_dl import onednn

#: Instructions that decide how fast kernels are.
TELLING = ("avx", "avx2", "fma", "avx512f", *sorted(onednn.SUFFICIENT))


def describe() -> dict[str, Any]:
    """Returns what decides speed, and the last bits of results, as a dict that JSON can hold.

    Returns:
        Dict of `versions`, a dict by package; `processor`, with the sets of instructions that decide how fast kernels
        are; `devices`, the names of TensorFlow's devices; `threads`, 0 if TensorFlow takes one per processor;
        `onednn`, whether TensorFlow uses oneDNN's kernels; and `xla`, the flags that XLA was given.

    Example:

    >>> sorted(keras_dl.runtime.describe())
    ['devices', 'onednn', 'processor', 'threads', 'versions', 'xla']
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "versions": versions() | {"python": platform.python_version()},
        "processor": {
            "kind": platform.machine(),
            "count": processors,
            "instructions": [name for name in TELLING if name in onednn.INSTRUCTIONS],
        },
        "devices": [device.name for device in tf.config.list_physical_devices()],
        "threads": {
            "within operations": tf.config.threading.get_intra_op_parallelism_threads(),
            "between operations": tf.config.threading.get_inter_op_parallelism_threads(),
        },
        "onednn": _pywrap_util_port.IsMklEnabled(),
        "xla": os.environ.get("TF_XLA_FLAGS", "") + os.environ.get("XLA_FLAGS", ""),
    }


def versions() -> dict[str, str]:
    """The versions of the package and of what it is built on, by name."""
    return {"keras_dl": keras_dl.__version__, "keras": keras.__version__, "tensorflow": tf.__version__}


def differences(before: dict) -> list[str]:
    """What of `before`, a dict that `describe` returned, is otherwise here and may change the last bits of results.

    Returns:
        A list of texts such as `"onednn was False, is True"`.
    """
    now = describe()
    pairs = [(name, before.get(name), now[name]) for name in ("onednn", "xla")]
    pairs += [
        (name, before.get("versions", {}).get(name), value)
        for name, value in now["versions"].items()
        if name in ("keras_dl", "keras", "tensorflow")
    ]
    pairs.append(("instructions", before.get("processor", {}).get("instructions"), now["processor"]["instructions"]))
    return [f"{name} was {old}, is {new}" for name, old, new in pairs if old is not None and old != new]
