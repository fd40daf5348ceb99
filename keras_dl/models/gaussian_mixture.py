"""Mixtures of Gaussians."""

import math
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models import mixture_shapes, mixture_starts
from keras_dl.models.base import Update, gather_rows
from keras_dl.models.mixture_graphs import MixtureGraphs, MixtureWeights
from keras_dl.models.mixture_shapes import COVARIANCES


@keras.saving.register_keras_serializable(package="keras_dl")
class GaussianMixture(MixtureGraphs):
    r"""Mixture of Gaussians $p(x) = \sum_k \pi_k\, \mathcal{N}(x; \mu_k, \Sigma_k)$ (Dempster et al. 1977).

    Fitted by expectation maximisation in the log domain: an epoch of `fit` is an iteration, of which the tracked
    `loss` is minus the mean log-likelihood under the parameters before it, in nats per sample. It begins by k-means++
    and k-means on the first batch. A component without rows begins anew beside another
    one, with a warning.

    Args:
        shape: Shape of a sample.
        num_components: How many components.
        covariance: `"full"`, `"tied"`, `"diag"` or `"spherical"`.
        floor: What is added to variances.
        starts: How many starts of k-means the best is taken of.
        seed: Integer that decides starts, noise and data order; `None` draws one.
        name: Name of the model.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> x, _ = keras_dl.data.sample_points("eight_gaussians", 400)
    >>> mixture = keras_dl.models.GaussianMixture((2,), num_components=8, seed=0)
    >>> history = mixture.fit(x, batch_size=400, epochs=5, verbose=0)
    >>> mixture.predict_proba(x[:3]).shape, mixture.sample(5).shape
    (TensorShape([3, 8]), TensorShape([5, 2]))
    """

    optimizer_names = ()

    def __init__(self, shape, num_components, covariance="full", floor=1e-6, starts=1, seed=None, name=None, **kwargs):
        if not isinstance(shape, (tuple, list)) or not shape:
            raise refusal("`shape` should be the shape of a sample, such as x.shape[1:]", shape=shape)
        size = math.prod(check_count(n, "shape") for n in shape)
        if covariance not in COVARIANCES:
            raise refusal(f"`covariance` should be one of {COVARIANCES}", covariance=covariance)
        check_number(floor, "floor", above=0)
        weights = MixtureWeights(size, check_count(num_components, "num_components"), covariance, name="mixture")
        super().__init__({"mixture": weights}, seed=seed, name=name, **kwargs)
        self.shape, self.num_components, self.covariance = tuple(shape), num_components, covariance
        self.floor, self.starts = float(floor), check_count(starts, "starts")

    def make_updates(self):
        count, size = self.num_components, self.mixture.size
        squares = mixture_shapes.square_shape(self.covariance, count, size)
        sums = {"counts": (count,), "totals": (count, size), "squares": squares}
        return (Update("em", self.expect, sums=sums, finish=self.maximise),)

    def expect(self, x, draw):
        """Minus the log-likelihood of every sample, and the sums of an expectation step around the centre."""
        x = self._flat(x)
        joint = self._joint(x)
        log_prob = tf.reduce_logsumexp(joint, -1)
        weights = tf.exp(joint - log_prob[:, None])
        centred = x - self.mixture.centre
        squares = mixture_shapes.sums_of_squares(centred, weights, self.covariance)
        totals = tf.matmul(weights, centred, transpose_a=True)
        return -log_prob, {}, {"counts": tf.reduce_sum(weights, 0), "totals": totals, "squares": squares}

    def maximise(self, sums):
        """Takes the step that the sums lead to."""
        sums = {name: np.asarray(value, "float64") for name, value in sums.items()}
        counts, totals, squares = sums["counts"], sums["totals"], sums["squares"]
        empty = counts < 1e-8 * counts.sum() + 1e-12
        counts = counts + 10 * np.finfo("float64").eps
        means, covariances = mixture_shapes.covariances_of(counts, totals, squares, self.covariance)
        if empty.any():
            means[empty] = self._anew(empty)
            if self.covariance != "tied":
                covariances[empty] = covariances[~empty].mean(0)
            counts[empty] = counts[~empty].mean()
        factors = mixture_shapes.factors_of(covariances, self.covariance, self.floor)
        self.mixture.set(np.log(counts / counts.sum()), np.asarray(self.mixture.centre, "float64") + means, factors)

    def _anew(self, empty):
        """Means of components without rows, relative to the centre: of a random direction at the others' scale."""
        warnings.warn(f"Components without rows begin anew: {np.flatnonzero(empty).tolist()}", stacklevel=3)
        means = np.asarray(self.mixture.means, "float64") - np.asarray(self.mixture.centre, "float64")
        random = np.random.default_rng((self.seed, int(self.state.step.numpy())))
        chosen = random.choice(np.flatnonzero(~empty), empty.sum())
        return means[chosen] + random.normal(size=(empty.sum(), means.shape[1])) * means[~empty].std(0).clip(1e-6)

    def initialize(self, batch, draw):
        """Begins by k-means on the first global batch."""
        x = gather_rows(self._flat(batch))
        count, size = self.num_components, self.mixture.size
        shapes = (count,), (count, size), mixture_shapes.precision_shape(self.covariance, count, size), (size,)
        values = tf.numpy_function(self._start, [x], [tf.float32] * 4)
        names = ("log_weights", "means", "factors", "centre")
        for name, value, shape in zip(names, values, shapes, strict=True):
            getattr(self.mixture, name).assign(tf.ensure_shape(value, shape))

    def _start(self, x):
        x = x.astype("float64")
        centre = x.mean(0).astype("float32")
        centred = x - centre
        if len(x) < self.num_components:
            raise refusal(f"The first batch should have at least {self.num_components} rows", f"{len(x)} rows")
        _, labels = mixture_starts.best_of(centred, self.num_components, self.seed, self.starts)
        weights = np.eye(self.num_components)[labels]
        counts = weights.sum(0) + 10 * np.finfo("float64").eps
        squares = mixture_shapes.sums_of_squares(tf.constant(centred), tf.constant(weights), self.covariance).numpy()
        means, covariances = mixture_shapes.covariances_of(counts, weights.T @ centred, squares, self.covariance)
        factors = mixture_shapes.factors_of(covariances, self.covariance, self.floor)
        values = np.log(counts / counts.sum()), centre + means, factors, centre
        return tuple(np.asarray(value, "float32") for value in values)

    @property
    def mixture_weights(self):
        """The probabilities of the components, shape `(num_components,)`, a NumPy array."""
        return np.exp(np.asarray(self.mixture.log_weights))

    @property
    def means(self):
        """The components' means, shape `(num_components, *shape)`."""
        return np.asarray(self.mixture.means).reshape(-1, *self.shape)

    @property
    def covariances(self):
        """The components' covariances as matrices, whatever their kind: `(num_components, size, size)`."""
        return mixture_shapes.matrices_of(np.asarray(self.mixture.factors), self.covariance, *self.mixture.means.shape)

    @property
    def num_parameters(self):
        """How many free parameters the mixture has."""
        return mixture_shapes.num_parameters(self.covariance, self.num_components, self.mixture.size)

    def bic(self, x):
        """Returns the Bayesian information criterion of data, lower is better."""
        return -2.0 * self._total(x) + self.num_parameters * math.log(len(x))

    def aic(self, x):
        """Returns Akaike's information criterion of data, lower is better."""
        return -2.0 * self._total(x) + 2.0 * self.num_parameters

    def _total(self, x):
        return float(np.sum(np.asarray(self.log_prob(x), "float64")))

    @classmethod
    def select(cls, x, numbers, criterion="bic", epochs=50, **options):
        """Fits mixtures of several numbers of components and returns that of the least criterion, and all criteria.

        Args:
            x: Data in memory.
            numbers: Sequence of numbers of components.
            criterion: `"bic"` or `"aic"`.
            epochs: Iterations of each.
            **options: Options of the model.

        Returns:
            `(mixture, scores)`: a fitted model, and a dict of criteria by number.
        """
        if criterion not in ("bic", "aic"):
            raise refusal("`criterion` should be 'bic' or 'aic'", criterion=criterion)
        scores, best = {}, None
        for number in numbers:
            model = cls(np.shape(x)[1:], number, **options)
            model.fit(x, batch_size=len(x), epochs=epochs, verbose=0)
            scores[number] = getattr(model, criterion)(x)
            best = model if scores[number] == min(scores.values()) else best
        return best, scores

    def get_config(self):
        names = ("shape", "num_components", "covariance", "floor", "starts")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        del config["ema_momentum"]
        return config
