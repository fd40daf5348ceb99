"""Whether exported files take batches of no rows: tried in another process, which some runtimes end for it."""

import importlib.util
import json
import subprocess
import sys
import warnings

from keras_dl.checks import refusal

_SECONDS = 60
_RUNTIMES = {".onnx": "onnxruntime", ".tflite": "ai_edge_litert"}
#: Prints a line for each signature: its name, and the shapes of its outputs. Runtimes and NumPy alone are imported.
_PROGRAM = """
import json, sys
import numpy as np

def run(path, signature, inputs):
    if path.endswith(".onnx"):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        names = [output.name.removesuffix("_out") for output in session.get_outputs()]
        return dict(zip(names, session.run(None, inputs)))
    from ai_edge_litert.interpreter import Interpreter
    return Interpreter(path, num_threads=1).get_signature_runner(signature)(**inputs)

for path, signature, inputs in json.loads(sys.argv[1]):
    try:
        outputs = run(path, signature, {name: np.zeros(*array) for name, array in inputs.items()})
    except Exception:
        continue
    print(json.dumps([signature, {name: output.shape for name, output in outputs.items()}]), flush=True)
"""


def check(files, model):
    """Warns of files that take no batches of no rows, and refuses ONNX files that give other shapes for them.

    LiteRT's kernels read the shape of an image without rows from memory that nothing has written: an error one time,
    any shape the next. Files that do so are right for batches of rows.

    Args:
        files: Dict of `(path, portable.Portable)` by the names of signatures.
        model: The model.

    Raises:
        ValueError: If ONNX Runtime's outputs of no rows have another shape than the model's.
    """
    jobs = {name: (str(path), name, _no_rows(function.specs)) for name, (path, function) in files.items()}
    jobs = {name: job for name, job in jobs.items() if job[2] is not None}
    suffix = next((job[0][job[0].rindex(".") :] for job in jobs.values()), None)
    if suffix is None or not sys.executable or importlib.util.find_spec(_RUNTIMES[suffix]) is None:
        return
    answers = _answers(jobs)
    unlike = _unlike(answers, files)
    if unlike and suffix == ".onnx":
        name, output, shape, expected = unlike[0]
        raise refusal(f"{output} of {name} of {model.name}, of no rows, should have the shape {expected}", shape)
    silent = sorted(set(jobs) - set(answers) | {name for name, *_ in unlike})
    if silent:
        runtime = {".onnx": "ONNX Runtime", ".tflite": "LiteRT"}[suffix]
        warnings.warn(
            f"{runtime} does not take batches of no rows for {', '.join(silent)}: give it rows.", stacklevel=2
        )


def _no_rows(specs):
    """The inputs as shapes and types; `None` where an input has no open axis of rows."""
    if any(spec.shape.rank == 0 or spec.shape[0] is not None for spec in specs):
        return None
    sizes = {spec.name: [0, *(32 if size is None else size for size in spec.shape[1:])] for spec in specs}
    return {spec.name: (sizes[spec.name], spec.dtype.name) for spec in specs}


def _answers(jobs):
    """The shapes of outputs by signature; one at which the process ends has none, and another process goes on."""
    left, answers = list(jobs.values()), {}
    while left:
        command = [sys.executable, "-I", "-c", _PROGRAM, json.dumps(left)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            break
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        answers |= dict(lines)
        if done.returncode == 0:
            break
        left = left[[job[1] for job in left].index(lines[-1][0]) + 2 :] if lines else left[1:]
    return answers


def _unlike(answers, files):
    """Tuples (signature, output, shape, expected shape) of the outputs whose shapes are not the model's."""
    differing = []
    for name, shapes in answers.items():
        for output, expected in files[name][1].shapes.items():
            expected = [0 if axis == 0 and size is None else size for axis, size in enumerate(expected)]
            if not _fits(shapes.get(output), expected):
                differing.append((name, output, shapes.get(output), expected))
    return differing


def _fits(shape, expected):
    if shape is None or len(shape) != len(expected):
        return False
    return all(wanted in (None, size) for wanted, size in zip(expected, shape, strict=True))
