"""Example inputs of signatures, and the requests that TF Serving replays before it serves a version.

The first call of a signature with a shape is slow: kernels are chosen, memory is laid out. A server that finds requests
in `assets.extra/tf_serving_warmup_requests` of a version makes them first, so that no client waits for it.
"""

import os

import numpy as np
import tensorflow as tf

FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")
ROWS = (1, 32)  # a single request, and a batch as servers gather them
_OPEN_AXIS = 32  # the length of axes that a signature leaves open beside the batch


def example_inputs(signature, rows, classes=None, seed=0):
    """Valid inputs of a signature: values in [0, 1), normal latents, labels in range.

    Args:
        signature: `Signature` of a model.
        rows: How many rows batches have, and `num_samples`.
        classes: The classes of labels in `condition`; see `ObjectiveModel.condition_classes`.
        seed: Integer that decides the values.

    Returns:
        Dict of arrays by the names of the inputs.

    Example:

    >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> signature = keras_dl.models.Supervised(network).signatures()["predict"]
    >>> example_inputs(signature, rows=3)["x"].shape
    (3, 4)
    """
    generator = np.random.default_rng(seed)
    found = {}
    for name, spec in signature.inputs.items():
        found[name] = _example(name, spec, rows, classes, generator).astype(spec.dtype.as_numpy_dtype)
    return found


def write_requests(model, folder, name):
    """Writes requests of every signature of a model as warm-up records.

    Args:
        model: The model that was exported.
        folder: The SavedModel's folder.
        name: What the model is called where it is served.

    Returns:
        How many requests were written.

    Raises:
        ImportError: If the extra `serve` is missing.
    """
    from tensorflow_serving.apis import prediction_log_pb2

    signatures = model.signatures()
    classes = model.condition_classes()
    path = os.path.join(folder, FILE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    written = 0
    with tf.io.TFRecordWriter(path) as writer:
        for key, signature in {"serving_default": next(iter(signatures.values())), **signatures}.items():
            for rows in ROWS:
                log = prediction_log_pb2.PredictionLog()
                request = log.predict_log.request
                request.model_spec.name, request.model_spec.signature_name = name, key
                for given, value in example_inputs(signature, rows, classes).items():
                    request.inputs[given].CopyFrom(tf.make_tensor_proto(value))
                writer.write(log.SerializeToString(deterministic=True))
                written += 1
    return written


def _example(name, spec, rows, classes, generator):
    if spec.shape.rank == 0:
        return np.array(rows if name == "num_samples" else 0)
    shape = [rows, *(_OPEN_AXIS if size is None else size for size in spec.shape[1:])]
    if name == "condition" and isinstance(classes, tuple):
        columns = [generator.random(rows) if n is None else generator.integers(0, n, rows) for n in classes]
        return np.stack(columns, axis=1)
    if name == "condition" and classes is not None:
        return generator.integers(0, classes, shape)
    if not spec.dtype.is_floating:
        return np.full(shape, b"" if spec.dtype == tf.string else 0)
    return generator.normal(size=shape) if name == "latents" else generator.random(shape)
