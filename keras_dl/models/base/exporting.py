"""Writing a model's signatures as a SavedModel."""

import keras
import tensorflow as tf


def write_saved_model(model, path):
    """Writes `model.signatures()` as a SavedModel; the first is also `serving_default`."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    signatures = model.signatures()
    for name, (function, inputs) in {"serving_default": next(iter(signatures.values())), **signatures}.items():
        specs = [tf.TensorSpec(spec.shape, spec.dtype, name=key) for key, spec in inputs.items()]
        archive.add_endpoint(name, function, input_signature=specs)
    archive.write_out(path, verbose=False)
