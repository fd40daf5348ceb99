"""Mixtures of Gaussians."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_number
from keras_dl.models import low_rank, mixture_checks, mixture_shapes, mixture_starts
from keras_dl.models.base import Draw, Update, gather_rows
from keras_dl.models.mixture_graphs import MixtureGraphs, MixtureWeights
from keras_dl.models.stepwise import StepwiseMean
from keras_dl.types import Nest, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class GaussianMixture(MixtureGraphs):
    r"""Mixture of Gaussians $p(x) = \sum_k \pi_k\, \mathcal{N}(x; \mu_k, \Sigma_k)$ (Dempster et al. 1977).

    It begins by k-means++ and k-means on the first batch. With `"em"`, expectation maximisation in the log domain, an
    epoch of `fit` is an iteration, of which the tracked `loss` is minus the mean log-likelihood under the parameters
    before it, in nats per sample. With `"mini_batch"` every step is one, of means over rows that forget old ones (Cappé
    & Moulines 2009): for streams. With `"gradient"` the optimizer of `compile` moves weights, means and factors of
    precisions. A component without rows begins anew beside another one, with a warning.

    Covariances of low rank and noise make a mixture of probabilistic principal components (`"ppca"`, Tipping & Bishop
    1999) or of factor analysers (`"factors"`, Ghahramani & Hinton 1996); they are fitted by `"em"`.

    Args:
        shape: Shape of a sample.
        num_components: How many components.
        covariance: `"full"`, `"tied"`, `"diag"`, `"spherical"`, `"ppca"` or `"factors"`.
        floor: What is added to variances; by gradients the least variance of a value whose others are known.
        starts: How many starts of k-means the best is taken of.
        seed: Integer that decides starts, noise and data order; `None` draws one.
        name: Name of the model.
        method: `"em"`, `"mini_batch"` or `"gradient"`.
        rank: Columns of the loadings of `"ppca"` and `"factors"`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> x, _ = keras_dl.data.sample_points("eight_gaussians", 400)
    >>> mixture = keras_dl.models.GaussianMixture((2,), num_components=8, seed=0)
    >>> history = mixture.fit(x, batch_size=400, epochs=5, verbose=0)
    >>> mixture.predict_proba(x[:3]).shape, mixture.sample(5).shape
    (TensorShape([3, 8]), TensorShape([5, 2]))
    """

    def __init__(
        self,
        shape: Shape,
        num_components: int,
        covariance: str = "full",
        floor: float = 1e-6,
        starts: int = 1,
        seed: int | None = None,
        name: str | None = None,
        method: str = "em",
        rank: int | None = None,
        **kwargs,
    ):
        size = mixture_checks.check_arguments(shape, num_components, covariance, method, rank)
        check_number(floor, "floor", above=0)
        self.optimizer_names = ("optimizer",) if method == "gradient" else ()
        weights = MixtureWeights(size, num_components, covariance, rank, method == "gradient", name="mixture")
        super().__init__({"mixture": weights}, seed=seed, name=name, **kwargs)
        self.shape, self.num_components, self.covariance = tuple(shape), num_components, covariance
        self.floor, self.starts = float(floor), check_count(starts, "starts")
        self.method, self.rank, self.form = method, rank, mixture_shapes.form_of(covariance)
        if method == "mini_batch":
            for sum_name, sum_shape in self._sum_shapes().items():
                self.carry(sum_name, StepwiseMean(sum_shape, self.state))

    def _sum_shapes(self):
        count, size = self.num_components, self.mixture.size
        squares = mixture_shapes.square_shape(self.form, count, size)
        return {"counts": (count,), "totals": (count, size), "squares": squares}

    def make_updates(self, *optimizers) -> tuple[Update, ...]:
        if self.method == "gradient":
            return (Update("mixture", self.losses, (self.mixture,), optimizers[0], after=self.limit),)
        expect = self.expect if self.method == "em" else self.expect_around_centre
        return (Update("em", expect, sums=self._sum_shapes(), finish=self.maximise),)

    def losses(self, x: Nest, draw: Draw) -> Tensor:
        """Minus the log-likelihood of every sample."""
        return -self._log_prob(x)

    def limit(self) -> None:
        """Keeps conditional variances at the floor or above, where gradients moved them: the likelihood is bounded."""
        factors, most = tf.convert_to_tensor(self.mixture.factors), self.floor**-0.5
        if self.form in ("full", "tied"):
            diagonal = tf.clip_by_value(tf.linalg.diag_part(factors), -most, most)
            self.mixture.factors.assign(tf.linalg.set_diag(factors, diagonal))
        else:
            self.mixture.factors.assign(tf.clip_by_value(factors, -most, most))

    def expect(self, x: Nest, draw: Draw) -> Nest:
        """Minus the log-likelihood of every sample, and the sums of an expectation step around the components."""
        log_weights, means, factors = self._parameters()
        parts = mixture_shapes.whitened(self._flat(x) - self.mixture.centre, means, factors, self.form)
        joint = mixture_shapes.log_components(parts, factors, self.form) + log_weights
        log_prob = tf.reduce_logsumexp(joint, -1)
        return -log_prob, {}, mixture_shapes.whitened_sums(parts, tf.exp(joint - log_prob[:, None]), self.form)

    def expect_around_centre(self, x: Nest, draw: Draw) -> Nest:
        """The same around the centre, which the means of steps have in common; in float64, as they are differences."""
        x, parameters = tf.cast(self._flat(x), tf.float64), None
        if draw.training:
            counts, totals, squares = (self.carried[name].value for name in ("counts", "totals", "squares"))
            parameters = mixture_shapes.parameters_of(counts, totals, squares, self.form, self.floor)
        joint = self._joint(x, parameters)
        log_prob = tf.reduce_logsumexp(joint, -1)
        weights = tf.exp(joint - log_prob[:, None])
        centred = x - tf.cast(self.mixture.centre, tf.float64)
        squares = mixture_shapes.sums_of_squares(centred, weights, self.form)
        totals = tf.matmul(weights, centred, transpose_a=True)
        return -log_prob, {}, {"counts": tf.reduce_sum(weights, 0), "totals": totals, "squares": squares}

    def maximise(self, sums: dict[str, Tensor]) -> None:
        """Takes the step that the sums lead to."""
        counts, totals, squares = (np.asarray(sums[name], "float64") for name in ("counts", "totals", "squares"))
        empty = counts < 1e-8 * counts.sum() + 1e-12
        counts = counts + 10 * np.finfo("float64").eps
        means, covariances = mixture_shapes.covariances_of(counts, totals, squares, self.form)
        if self.method == "em":
            means, covariances = self._around_centre(means, covariances)
        if empty.any():
            means[empty] = self._anew(empty)
            if self.form != "tied":
                covariances[empty] = covariances[~empty].mean(0)
            counts[empty] = counts[~empty].mean()
            self._restate(counts, means, covariances)
        self._take(counts, means, covariances)

    def _around_centre(self, means, covariances):
        """What sums of whitened rows give, as means relative to the centre and covariances of the data."""
        before = [np.asarray(weight, "float64") for weight in (self.mixture.means, self.mixture.factors)]
        shifts, covariances = mixture_shapes.unwhitened(means, covariances, before[1], self.form)
        return before[0] - np.asarray(self.mixture.centre, "float64") + shifts, covariances

    def _take(self, counts, means, covariances):
        """Takes parameters, of which the covariances are those of the sums, without a floor."""
        values = self._constrained(covariances, start=False)
        self.mixture.set(np.log(counts / counts.sum()), np.asarray(self.mixture.centre, "float64") + means, values[0])
        for name, value in zip(("loadings", "noise"), values[1:], strict=False):
            getattr(self.mixture, name).assign(value.astype("float32"))

    def _constrained(self, covariances, start):
        """Factors of precisions; of covariances of low rank loadings and noise, too."""
        if self.rank is None:
            return (mixture_shapes.factors_of(covariances, self.form, self.floor),)
        weights = self.mixture.loadings, self.mixture.noise
        before = None if start else [np.asarray(weight, "float64") for weight in weights]
        covariances, *parts = low_rank.constrain(covariances, self.covariance, self.rank, self.floor, before)
        return (mixture_shapes.factors_of(covariances, self.form, 0.0), *parts)

    def _restate(self, counts, means, covariances):
        """Gives what mini-batches carry the components that begin anew."""
        if self.method == "mini_batch":
            squares = mixture_shapes.squares_of(counts, means, covariances, self.form)
            values = {"counts": counts, "totals": counts[:, None] * means, "squares": squares}
            for name, value in values.items():
                self.carried[name].variable.assign(value)

    def _anew(self, empty):
        """Means of components without rows, relative to the centre: of a random direction at the others' scale."""
        warnings.warn(f"Components without rows begin anew: {np.flatnonzero(empty).tolist()}", stacklevel=3)
        means = np.asarray(self.mixture.means, "float64") - np.asarray(self.mixture.centre, "float64")
        random = np.random.default_rng((self.seed, int(self.state.step.numpy())))
        chosen = random.choice(np.flatnonzero(~empty), empty.sum())
        return means[chosen] + random.normal(size=(empty.sum(), means.shape[1])) * means[~empty].std(0).clip(1e-6)

    def initialize(self, batch: Nest, draw: Draw) -> None:
        """Begins by k-means on the first global batch."""
        x = gather_rows(self._flat(batch))
        names = ["log_weights", "means", "factors", "centre", "loadings", "noise"][: 4 if self.rank is None else 6]
        variables = [getattr(self.mixture, name) for name in names]
        if self.method == "mini_batch":
            variables += [self.carried[name].variable for name in self._sum_shapes()]
        values = tf.numpy_function(self._start, [x], [tf.as_dtype(variable.dtype) for variable in variables])
        for variable, value in zip(variables, values, strict=True):
            variable.assign(tf.ensure_shape(value, variable.shape))

    def _start(self, x):
        x = x.astype("float64")
        centre = x.mean(0).astype("float32")
        centred = x - centre
        mixture_starts.check_first_batch(x, self.num_components)
        _, labels = mixture_starts.best_of(centred, self.num_components, self.seed, self.starts)
        weights = np.eye(self.num_components)[labels]
        counts, totals = weights.sum(0) + 10 * np.finfo("float64").eps, weights.T @ centred
        squares = mixture_shapes.sums_of_squares(tf.constant(centred), tf.constant(weights), self.form).numpy()
        means, covariances = mixture_shapes.covariances_of(counts, totals, squares, self.form)
        factors, *parts = self._constrained(covariances, start=True)
        values = np.log(counts / counts.sum()), centre + means, factors, centre, *parts
        carried = [value / len(x) for value in (counts, totals, squares)] if self.method == "mini_batch" else []
        return (*(np.asarray(value, "float32") for value in values), *carried)

    @classmethod
    def select(cls, x: Tensor, numbers: Sequence[int], criterion: str = "bic", epochs: int = 50, **options) -> tuple:
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
        mixture_checks.check_selection(numbers, criterion)
        scores, best = {}, None
        for number in numbers:
            model = cls(np.shape(x)[1:], number, **options)
            model.fit(x, batch_size=len(x), epochs=epochs, verbose=0)
            scores[number] = getattr(model, criterion)(x)
            best = model if scores[number] == min(scores.values()) else best
        return best, scores

    def get_config(self) -> dict[str, Any]:
        names = ("shape", "num_components", "covariance", "floor", "starts", "method", "rank")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        del config["ema_momentum"]
        return config
