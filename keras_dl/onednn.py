"""oneDNN's kernels, which TensorFlow leaves off on many processors: importing this module switches them on.

TensorFlow 2.21 on Linux uses them by itself only on x86 processors that know neural network instructions (AVX-512 VNNI
and the like). With AVX2 alone they make the step of a convolutional network take half to three quarters of the time.
They can only be chosen before TensorFlow is imported.
"""

import logging
import os
import platform
import sys
from pathlib import Path

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
#: Instructions of which each lets TensorFlow switch oneDNN on by itself, as Linux writes them.
SUFFICIENT = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}


def instructions(path="/proc/cpuinfo"):
    """Names of the x86 processor's sets of instructions; empty on other processors and systems."""
    if platform.machine().lower() not in ("x86_64", "amd64") or not Path(path).is_file():
        return frozenset()
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return frozenset(value.split())
    return frozenset()


def is_left_off(names):
    """Whether oneDNN helps on an x86 processor with these instructions, while TensorFlow leaves it off."""
    return "avx2" in names and not names & SUFFICIENT


def choose(environ, modules, names):
    """Switches oneDNN on where TensorFlow would not, unless the user has decided; too late, it says what is lost.

    Args:
        environ: Dict of the environment's variables.
        modules: Names of the modules that have been imported.
        names: The processor's sets of instructions.
    """
    if VARIABLE in environ or not is_left_off(names):
        return
    if "tensorflow" not in modules:
        environ[VARIABLE] = "1"
        return
    logging.getLogger("keras_dl").warning(
        "TensorFlow was imported before keras_dl: on this processor it then computes without oneDNN, convolutions in "
        "up to twice the time. Import keras_dl first, or set %s=1 (0 to decide against it).",
        VARIABLE,
    )


#: This processor's.
INSTRUCTIONS = instructions()
choose(os.environ, sys.modules, INSTRUCTIONS)
