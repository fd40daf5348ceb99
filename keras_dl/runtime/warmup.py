"""Requests that TF Serving replays before it serves a version.

The first call of a signature with a shape is slow: kernels are chosen, memory is laid out. A server that finds requests
in `assets.extra/tf_serving_warmup_requests` of a version makes them first, so that no client waits for it.
"""

import os

import tensorflow as tf

from keras_dl.models.formats.examples import example_inputs

__all__ = ["example_inputs", "write_requests"]

FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")
ROWS = (1, 32)  # a single request, and a batch as servers gather them


def write_requests(model, folder, name, signatures):
    """Writes requests of every signature of a model as warm-up records.

    Args:
        model: The model that was exported.
        folder: The SavedModel's folder.
        name: What the model is called where it is served.
        signatures: Dict of the exported `Signature`s by name.

    Returns:
        How many requests were written.

    Raises:
        ImportError: If the extra `serve` is missing.
    """
    from tensorflow_serving.apis import prediction_log_pb2

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
                for input_name, value in example_inputs(signature, rows, classes).items():
                    request.inputs[input_name].CopyFrom(tf.make_tensor_proto(value))
                writer.write(log.SerializeToString(deterministic=True))
                written += 1
    return written
