"""More for TensorBoard than the metrics that every run logs: pictures, histograms of weights, hyperparameters."""

import keras
import tensorflow as tf

from keras_dl import lazy


class LogDetails(keras.callbacks.Callback):
    """Logs after every epoch the pictures that were drawn and histograms of all trained weights; hyperparameters once.

    Args:
        folder: `RunFolder`; the logs go into `tensorboard/details` of it.
        hyperparameters: dict of values by name.

    Raises:
        ImportError: if TensorBoard is not installed.
    """

    def __init__(self, folder, hyperparameters):
        super().__init__()
        lazy.need("tensorboard", "Logs of pictures, histograms and hyperparameters")
        self.folder, self.hyperparameters = folder, hyperparameters
        self._writer = self._seen = None

    def on_train_begin(self, logs=None):
        from tensorboard.plugins.hparams import api

        self._writer = tf.summary.create_file_writer(str(self.folder.tensorboard / "details"))
        self._seen = set(self.folder.pictures.glob("*.png"))
        # TensorBoard knows numbers, texts and flags; anything else, such as None or a list, as text.
        known = {k: v if isinstance(v, (bool, int, float, str)) else str(v) for k, v in self.hyperparameters.items()}
        with self._writer.as_default():
            api.hparams(known)

    def on_epoch_end(self, epoch, logs=None):
        drawn = set(self.folder.pictures.glob("[!.]*.png")) - self._seen
        self._seen |= drawn
        with self._writer.as_default(step=epoch + 1):
            for path in sorted(drawn):
                image = tf.io.decode_png(path.read_bytes(), channels=3)
                tf.summary.image(path.stem.partition("_epoch_")[0], image[None])
            for weight in self.model.trainable_variables:
                tf.summary.histogram(weight.path, weight.value)
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()
