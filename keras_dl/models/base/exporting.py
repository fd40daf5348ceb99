"""Writing a model's signatures as a SavedModel."""

import keras
import tensorflow as tf

from keras_dl.models.base.step import has_convolutions, pad_empty


def write_saved_model(model, path):
    """Writes `model.signatures()` as a SavedModel; the first is also `serving_default`."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    signatures = model.signatures()
    pads = any(map(has_convolutions, model.networks))
    for name, (function, inputs) in {"serving_default": next(iter(signatures.values())), **signatures}.items():
        specs = [tf.TensorSpec(spec.shape, spec.dtype, name=key) for key, spec in inputs.items()]
        archive.add_endpoint(name, _for_no_rows(function, specs) if pads else function, input_signature=specs)
    archive.write_out(path, verbose=False)


def _for_no_rows(function, specs):
    """`function` that also takes batches of no rows, which convolutions on CPU do not."""
    if any(spec.shape.rank == 0 or spec.shape[0] is not None for spec in specs):
        return function  # a number says how many rows come out

    def padded(*inputs):
        rows = tf.shape(inputs[0])[0]
        return {name: output[:rows] for name, output in function(*map(pad_empty, inputs)).items()}

    return padded
