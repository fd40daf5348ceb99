"""What a model offers beside training: graphs of its methods, the noise of its calls, exported functions."""

import keras
import tensorflow as tf

from keras_dl.models import formats
from keras_dl.models.base import exporting, graphs
from keras_dl.models.base.state import as_seed


class Offers(keras.Model):
    """The part of an `ObjectiveModel` that its own methods and exports use."""

    def as_graph(self, method):
        """`method` as a graph that is traced once for any number of rows."""
        name = method.__name__
        if name not in self.graphs:
            self.graphs[name] = graphs.compiled(method)
        return self.graphs[name]

    def sampling_seed(self, seed):
        """Seed and step of a draw: those that the caller fixes, or the model's next ones."""
        if seed is None:
            self.state.draws += 1
            return self.state.seed.value, tf.constant(self.state.draws, tf.int64)
        return tf.constant(as_seed(seed), tf.int64), tf.constant(0, tf.int64)

    def signatures(self):
        """What `export` writes: a dict of `Signature`s by name, the default first."""
        raise NotImplementedError(f"{type(self).__name__} should define signatures().")

    def export(self, filepath, format="tf_saved_model", **options):
        """Writes a SavedModel with all named signatures; see `keras_dl.runtime.export` for TF Serving's layout.

        Args:
            filepath: Folder to write; it should not exist. A path that ends in `.onnx` or `.tflite` is a file: of the
                first signature (ONNX), or of all that draw no noise.
            format: `"tf_saved_model"`, `"onnx"` or `"litert"`; others are Keras' own (`keras.Model.export`).
            **options: Options of `keras.Model.export` for other formats.
        """
        if format in formats.FORMATS:
            return formats.write(self, filepath, format)
        if format != "tf_saved_model":
            return super().export(filepath, format=format, **options)
        return exporting.write_saved_model(self, filepath)
