"""Ways to run an exported model that need nothing of this package."""

import importlib.util
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np

_TENSORFLOW_ONLY = """
import json, sys
import numpy as np, tensorflow as tf
path, calls, out = json.loads(sys.argv[1])
functions = tf.saved_model.load(path).signatures
assert "keras_dl" not in sys.modules
results = {}
for key, (name, inputs) in calls.items():
    given = np.load(inputs)
    wanted = functions[name].structured_input_signature[1]
    for output, value in functions[name](**{k: tf.constant(given[k], wanted[k].dtype) for k in wanted}).items():
        results[f"{key}/{output}"] = value.numpy()
np.savez(out, **results)
"""


def run_in_tensorflow(path, calls, folder):
    """Runs signatures in a fresh process that has only TensorFlow.

    Args:
        path: Folder of the SavedModel's version.
        calls: Dict of a key to `(signature, dict of inputs)`.
        folder: Temporary folder.

    Returns:
        Dict of arrays by `key/output`.
    """
    folder = Path(folder)
    files = {}
    for index, (key, (name, inputs)) in enumerate(calls.items()):
        np.savez(folder / f"call_{index}.npz", **inputs)
        files[key] = (name, str(folder / f"call_{index}.npz"))
    given = json.dumps([str(path), files, str(folder / "results.npz")])
    subprocess.run([sys.executable, "-c", _TENSORFLOW_ONLY, given], check=True, timeout=300, cwd=folder)
    with np.load(folder / "results.npz") as results:
        return dict(results)


def c_compiler():
    """The path of a C compiler, or `None`."""
    return shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]) or shutil.which("cc")


def build_c_client(folder):
    """Compiles the C client against the headers and library of the tensorflow wheel, and returns its path."""
    import tensorflow as tf

    source, target = Path(__file__).with_name("saved_model_client.c"), Path(folder) / "client"
    libraries = Path(tf.sysconfig.get_lib())
    command = [c_compiler(), "-O1", "-I", tf.sysconfig.get_include(), str(source), "-o", str(target)]
    for name in ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2"):
        command.append(str(libraries / name))
    subprocess.run([*command, f"-Wl,-rpath,{libraries}"], check=True, timeout=600)
    return target


def run_in_c(client, path, signature, inputs, output, folder):
    """Runs one signature of a SavedModel with the C client and returns the output as a float32 array."""
    from tensorflow.python.saved_model import loader_impl

    graph = loader_impl.parse_saved_model(str(path)).meta_graphs[0].signature_def[signature]
    operation, index = graph.outputs[output].name.split(":")
    command = [str(client), str(path), operation, index, str(Path(folder) / "result")]
    kinds = {1: ("f", np.float32), 3: ("i", np.int32), 9: ("l", np.int64)}
    for name, info in graph.inputs.items():
        kind, dtype = kinds[info.dtype]
        values = np.asarray(inputs[name], dtype)
        values.tofile(Path(folder) / name)
        dims = ",".join(map(str, values.shape)) or "scalar"
        command += [info.name.split(":")[0], kind, dims, str(Path(folder) / name)]
    shape = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout.split()
    return np.fromfile(Path(folder) / "result", np.float32).reshape([int(n) for n in shape])


def has_serving_api():
    """Whether the extra `serve` is installed."""
    return importlib.util.find_spec("tensorflow_serving") is not None


def run_warmup_requests(path):
    """Reads the warm-up records of a SavedModel and runs each request.

    Returns:
        List of `(PredictRequest, dict of output arrays)`.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    loaded = tf.saved_model.load(str(path))
    found = []
    for record in tf.data.TFRecordDataset(str(Path(path) / "assets.extra" / "tf_serving_warmup_requests")):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        inputs = {name: tf.constant(tf.make_ndarray(proto)) for name, proto in request.inputs.items()}
        outputs = loaded.signatures[request.model_spec.signature_name](**inputs)
        found.append((request, {name: output.numpy() for name, output in outputs.items()}))
    return found


def python_operations(path):
    """The operations of a SavedModel that would call Python, by name."""
    from tensorflow.python.saved_model import loader_impl

    graph = loader_impl.parse_saved_model(str(path)).meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    assert len(nodes) > 1
    return sorted({node.op for node in nodes if "PyFunc" in node.op})
