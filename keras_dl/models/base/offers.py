"""What a model offers beside training: graphs of its methods, the noise of its calls, exported functions."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.likelihoods.log_density import LogDensity
from keras_dl.models import formats
from keras_dl.models.base.state import as_seed
from keras_dl.models.fitting import graphs
from keras_dl.models.formats import saved_model as exporting
from keras_dl.types import PathLike, Tensor


def declared(model, name):
    """What a model has under a name that `Offers` declares, or `None`: all that callbacks know of a model.

    `None` stands for a method that the family did not write, and for what a Keras model of another kind lacks.
    """
    own = getattr(model, name, None)
    unwritten = getattr(own, "__func__", own) is getattr(Offers, name)
    return None if unwritten else own


class Offers(keras.Model):
    """The part of an `ObjectiveModel` that its own methods and exports use."""

    #: What `log_prob` of a family with a density is: `"exact"`, `"bound"` or `"estimate"`; see `log_density`.
    log_prob_kind = "exact"
    #: The `keras_dl.likelihoods.Dequantized` of a density of integers: by it bits per dimension are counted.
    dequantized = None
    #: What is minimised, where a family leaves the choice to its user; a callback may change its weights.
    objective: Any = None
    #: Copies of networks with averaged weights, by name.
    ema_networks: dict = {}
    # Of the family.
    log_prob: Callable

    @property
    def data_range(self) -> tuple[float, float] | None:
        """The values that samples may have, `(low, high)`; `None` where they are not bounded, or not known to be."""
        return None

    def sample(self, num_samples: int, condition: Tensor | None = None, seed: int | None = None) -> Tensor:
        """Draws samples, shape `(num_samples, *data_shape)`; a family that generates writes this method."""
        raise NotImplementedError(f"{type(self).__name__} should define sample(num_samples, condition, seed).")

    def from_latents(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the data of latents, shape `(batch, latent_size)`; a family with latents writes this method."""
        raise NotImplementedError(f"{type(self).__name__} should define from_latents(latents, condition).")

    def first_not_finite(self) -> tuple[str, int] | None:
        """Returns `(metric's name, step)` of the first mean of this epoch that was NaN or infinite, or `None`.

        Under several workers all of them must call it.
        """
        raise NotImplementedError(f"{type(self).__name__} should be an ObjectiveModel.")

    def log_density(self, x: Tensor, condition: Tensor | None = None, **options) -> LogDensity:
        r"""Returns $\log p(x)$ and what it is: what programs, searches and tasks read of every family.

        A family whose `log_prob(x, condition=None)` is exact has this method from here. Another one sets
        `log_prob_kind` and writes this method, of which its `log_prob` returns the values.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: Their conditions, where the model is conditional.
            **options: Where draws are made, `num_samples`, how many per sample, `seed`, which fixes them, and `kind`,
                `"bound"` or `"estimate"`.

        Returns:
            A `keras_dl.likelihoods.LogDensity`: values and standard errors in nats, shape `(batch,)`, and their kind.
        """
        if self.log_prob_kind != "exact":
            name = type(self).__name__
            raise NotImplementedError(f"{name} should define log_density(x), as its log_prob is no exact density.")
        conditions = {} if condition is None else {"condition": condition}
        return LogDensity.exact(tf.convert_to_tensor(self.log_prob(x, **conditions, **options)))

    def as_graph(self, method: Callable) -> Callable:
        """`method` as a graph that is traced once for any number of rows."""
        name = method.__name__
        if name not in self.graphs:
            self.graphs[name] = graphs.compiled(method)
        return self.graphs[name]

    def sampling_seed(self, seed: int | None) -> tuple[Tensor, Tensor]:
        """Seed and step of a draw: those that the caller fixes, or the model's next ones."""
        if seed is None:
            self.state.draws += 1
            return self.state.seed.value, tf.constant(self.state.draws, tf.int64)
        return tf.constant(as_seed(seed), tf.int64), tf.constant(0, tf.int64)

    def signatures(self) -> dict[str, Any]:
        """What `export` writes: a dict of `Signature`s by name, the default first."""
        raise NotImplementedError(f"{type(self).__name__} should define signatures().")

    def export(self, filepath: PathLike, format: str = "tf_saved_model", **options) -> Any:
        """Writes a SavedModel with all named signatures; see `keras_dl.runtime.export` for TF Serving's layout.

        Args:
            filepath: Folder to write, in which no file of yours is replaced. A path that ends in `.onnx` or `.tflite`
                is a file: of the first signature (ONNX), or of all that draw no noise.
            format: `"tf_saved_model"`, `"onnx"` or `"litert"`; others are Keras' own (`keras.Model.export`).
            **options: Options of `keras.Model.export` for other formats.
        """
        if format in formats.FORMATS:
            return formats.write(self, filepath, format, self.signatures())
        if format != "tf_saved_model":
            return super().export(filepath, format=format, **options)
        return exporting.write_folder(self, filepath, self.signatures())
