"""The weights of a mixture of Gaussians, its graphs, and what users call."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.data.checks import check_finite
from keras_dl.models import mixture_shapes, mixture_starts, shapes
from keras_dl.models.base import Draw, ObjectiveModel, Signature, fresh_seed
from keras_dl.models.fitting.checking import check, is_arrays, reads_disk
from keras_dl.types import Nest, Tensor


class MixtureWeights(keras.layers.Layer):
    """Log-weights, means and factors of precisions, and the centre of sums.

    Args:
        size: Values per sample.
        components: How many components.
        covariance: Their kind.
        rank: Columns of the loadings of covariances of low rank.
        by_gradient: Whether parameters are trained by gradients.
        **kwargs: Options of `keras.layers.Layer`.
    """

    def __init__(self, size, components, covariance, rank=None, by_gradient=False, **kwargs):
        super().__init__(**kwargs)
        self.size, self.components, self.covariance = size, components, covariance
        self.rank, self.by_gradient = rank, by_gradient
        factors = mixture_shapes.precision_shape(mixture_shapes.form_of(covariance), components, size)
        shapes_of = {"log_weights": (components,), "means": (components, size), "factors": factors, "centre": (size,)}
        if rank is not None:
            shapes_of |= {"loadings": (components, size, rank), "noise": (components, size)}
        for name, shape in shapes_of.items():
            trains = by_gradient and name != "centre"
            options = {"dtype": "float32", "autocast": False, "trainable": trains}
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer="zeros", **options))
        ones = np.ones(factors) if covariance in ("diag", "spherical") else np.broadcast_to(np.eye(size), factors)
        self.set(np.full(components, -np.log(components)), np.zeros((components, size)), ones)
        self.built = True

    def set(self, log_weights, means, factors):
        """Takes parameters."""
        for name, value in (("log_weights", log_weights), ("means", means), ("factors", factors)):
            getattr(self, name).assign(np.asarray(value, "float32"))

    def get_config(self):
        names = ("size", "components", "covariance", "rank", "by_gradient")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class MixtureGraphs(ObjectiveModel):
    """What a mixture offers. Everything is compiled once and takes any number of rows."""

    def fit(self, x: Nest = None, y: Nest = None, **options) -> keras.callbacks.History:  # type: ignore[override]
        if not self.compiled:
            self.compile()
        if is_arrays(x) and not isinstance(x, (tuple, list, dict)):
            check(self, x)
            rows = len(x)
            if self.num_components > rows:
                raise refusal(f"x should have at least {self.num_components} rows, one per component", f"{rows} rows")
            if not reads_disk(x):
                mixture_starts.check_distinct(x, self.num_components)
        return super().fit(x, y, **options)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Responsibilities, shape `(batch, num_components)`."""
        return self._responsibilities(inputs)

    def predict(self, x: Nest, **options) -> np.ndarray:  # type: ignore[override]
        """Returns the likeliest component of every sample, an int64 array of shape `(batch,)`."""
        return np.asarray(super().predict(x, **options)).argmax(-1)

    def predict_proba(self, x: Tensor) -> Tensor:
        """Returns the responsibilities $p(k | x)$, shape `(batch, num_components)`."""
        return self.as_graph(self._responsibilities)(self._inputs(x))

    def log_prob(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns $\\log p(x)$, exact, shape `(batch,)`."""
        return self.as_graph(self._log_prob)(self._inputs(x))

    def sample(
        self, num_samples: int, condition: Tensor | None = None, seed: int | None = None, labels: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Draws from the mixture.

        Args:
            num_samples: How many.
            condition: `None`.
            seed: Integer that fixes the draw; `None` gives others at every call.
            labels: Whether to return the component of each sample, too.

        Returns:
            Samples of shape `(num_samples, *shape)`, or `(samples, labels)`.
        """
        seed, call = self.sampling_seed(seed)
        x, component = self.as_graph(self._sample)(tf.constant(check_count(num_samples, "num_samples")), seed, call)
        return (x, component) if labels else x

    @property
    def mixture_weights(self) -> np.ndarray:
        """The probabilities of the components, shape `(num_components,)`, a NumPy array."""
        return np.exp(np.asarray(tf.nn.log_softmax(self.mixture.log_weights)))

    @property
    def means(self) -> np.ndarray:
        """The components' means, shape `(num_components, *shape)`."""
        return np.asarray(self.mixture.means).reshape(-1, *self.shape)

    @property
    def covariances(self) -> np.ndarray:
        """The components' covariances as matrices, whatever their kind: `(num_components, size, size)`."""
        return mixture_shapes.matrices_of(np.asarray(self._parameters()[2]), self.form, *self.mixture.means.shape)

    @property
    def num_parameters(self) -> int:
        """How many free parameters the mixture has."""
        return mixture_shapes.num_parameters(self.covariance, self.num_components, self.mixture.size, self.rank)

    def bic(self, x: Tensor) -> float:
        """Returns the Bayesian information criterion of data, lower is better."""
        return -2.0 * self._total(x) + self.num_parameters * math.log(len(x))

    def aic(self, x: Tensor) -> float:
        """Returns Akaike's information criterion of data, lower is better."""
        return -2.0 * self._total(x) + 2.0 * self.num_parameters

    def _total(self, x):
        return float(np.sum(np.asarray(self.log_prob(x), "float64")))

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        x = {"x": tf.TensorSpec([None, *self.shape], tf.float32)}
        scalars = {"num_samples": tf.TensorSpec([], tf.int32), "seed": tf.TensorSpec([], tf.int64)}

        def sample(num_samples, seed):
            x, component = self._sample(num_samples, fresh_seed(seed), tf.constant(0, tf.int64))
            return {"x": x, "component": component}

        def predict(x):
            joint = self._responsibilities(x)
            return {"responsibilities": joint, "component": tf.argmax(joint, -1)}

        return {
            "predict": Signature(predict, x),
            "log_prob": Signature(lambda x: {"log_prob": self._log_prob(x)}, x),
            "sample": Signature(sample, scalars),
        }

    def check_data(self, data: Nest) -> None:
        check_finite(shapes.alone(data, self.shape), "x")

    def check_inputs(self, inputs: Nest) -> None:
        self.check_data(inputs)

    # The graphs behind them.

    def _flat(self, x):
        return tf.reshape(tf.cast(x, tf.float32), [-1, self.mixture.size])

    def _parameters(self):
        """Log-weights, means relative to the centre, and factors of precisions."""
        mixture, factors = self.mixture, tf.convert_to_tensor(self.mixture.factors)
        if self.mixture.by_gradient and self.form in ("full", "tied"):
            factors = tf.linalg.band_part(factors, 0, -1)
        return tf.nn.log_softmax(mixture.log_weights), mixture.means - mixture.centre, factors

    def _joint(self, x, parameters=None):
        """The logarithms of weights times densities, around the centre, shape `(rows, components)`."""
        log_weights, means, factors = self._parameters() if parameters is None else parameters
        centred = x - tf.cast(self.mixture.centre, x.dtype)
        parts = mixture_shapes.whitened(centred, means, factors, self.form)
        return mixture_shapes.log_components(parts, factors, self.form) + log_weights

    def _log_prob(self, x):
        x = self._flat(x)
        # The sum carries NaN on, which the maximum of a LiteRT file passes over.
        return tf.reduce_logsumexp(self._joint(x), -1) + 0.0 * tf.reduce_sum(x, -1)

    def _responsibilities(self, x):
        return tf.nn.softmax(self._joint(self._flat(x)))

    def _sample(self, num_samples, seed, call):
        draw = Draw.for_sampling(seed, call, num_samples)
        log_weights, _, factors = self._parameters()
        ends = tf.cumsum(tf.exp(log_weights))[:-1]
        component = tf.reduce_sum(tf.cast(draw.uniform()[:, None] >= ends, tf.int32), -1)
        noise = draw.normal((self.mixture.size,))
        if self.form in ("full", "tied"):
            chosen = tf.gather(factors, component) if self.form == "full" else factors[None]
            lower = tf.linalg.matrix_transpose(chosen)
            lower = tf.broadcast_to(lower, [tf.shape(noise)[0], *lower.shape[1:]])
            noise = tf.linalg.triangular_solve(lower, noise[..., None], adjoint=True)[..., 0]
        else:
            chosen = tf.gather(factors, component)
            noise = noise / (chosen if self.form == "diag" else chosen[:, None])
        return tf.reshape(tf.gather(self.mixture.means, component) + noise, [-1, *self.shape]), component

    def _inputs(self, x):
        if not shapes.is_symbolic(x):
            self.check_data(x)
        return tf.cast(x, tf.float32)
