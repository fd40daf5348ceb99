"""Probabilistic principal component analysis."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_flag
from keras_dl.models import expectation, linear_checks, linear_gaussian, linear_selection, moments
from keras_dl.models.base import Draw, Update, mean_and_variance
from keras_dl.models.linear_gaussian import NOISE_FLOOR, LinearGaussian
from keras_dl.models.linear_graphs import LinearGraphs
from keras_dl.types import Nest, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class PPCA(LinearGraphs):
    r"""Probabilistic principal component analysis (Tipping & Bishop 1999).

    $$x = W z + \mu + \epsilon, \qquad z \sim \mathcal{N}(0, I_q), \quad \epsilon \sim \mathcal{N}(0, \sigma^2 I_d)$$

    By maximum likelihood $\mu$ is the mean, $\sigma^2$ the mean of the $d - q$ smallest eigenvalues of the covariance
    (with $1/N$; at least 1e-10 of the mean variance of a value) and $W = U_q (\Lambda_q - \sigma^2 I)^{1/2}$. Densities
    and posteriors are exact, in nats per sample.

    `fit` takes arrays, which are solved in float64, or batches: with `"closed_form"` one epoch sums the moments of
    any number of rows, with `"em"` an epoch is an iteration, with `"gradient"` a step moves the weights. Integers, such
    as grey levels and counts, are taken as the real numbers that they are.

    Args:
        shape: Shape of a sample.
        num_components: $q$, below the number of values of a sample.
        method: `"closed_form"`, `"em"` or `"gradient"` (of the mean log-likelihood, by the optimizer of `compile`).
        missing: Whether values may be missing, marked NaN; needs `"em"`.
        solver: How arrays are solved: `"auto"` (by shape), `"covariance"`, `"full"` or `"randomized"`.
        seed: Integer that decides starts, noise and data order; `None` draws one.
        name: Name of the model.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> ppca = keras_dl.models.PPCA(x.shape[1:], num_components=10)
    >>> history = ppca.fit(x, verbose=0)
    >>> ppca.log_prob(x[:3]).shape, ppca.transform(x[:3]).shape, ppca.sample(2).shape
    (TensorShape([3]), TensorShape([3, 10]), TensorShape([2, 8, 8, 1]))
    """

    #: The largest number of components, as values of a sample less this.
    fewer_by = 1

    def __init__(
        self, shape: Shape, num_components: int, method: str = "closed_form", missing: bool = False,
        solver: str = "auto", seed: int | None = None, name: str | None = None, **kwargs,
    ):  # fmt: skip
        linear_checks.check_arguments(shape, num_components, method, missing, self.fewer_by)
        shape = tuple(shape)
        self.optimizer_names = ("optimizer",) if method == "gradient" else ()
        density = LinearGaussian(math.prod(shape), num_components, name="density")
        super().__init__({"density": density}, seed=seed, name=name, **kwargs)
        self.shape, self.num_components, self.latent_size = shape, num_components, num_components
        self.method, self.missing, self.solver = method, missing, moments.check_solver(solver)
        self.solves = method == "closed_form"
        self.takes_missing = missing

    def make_updates(self, *optimizers) -> tuple[Update, ...]:
        if self.method == "gradient":
            return (Update("density", self.losses, (self.density,), *optimizers),)
        if self.method == "em":
            shapes_of_sums = expectation.sum_shapes(self.density.size, self.latent_size, self.missing)
            return (Update("em", self.expect, sums=shapes_of_sums, finish=self.maximise),)
        size = self.density.size
        sums = {"rows": (), "total": (size,), "outer": (size, size)}
        return (Update("moments", self.moments, sums=sums, finish=self.take_moments),)

    # What an epoch does.

    def losses(self, x: Nest, draw: Draw) -> Tensor:
        """Minus the log-density of every sample."""
        density = expectation.log_density if self.missing else linear_gaussian.log_density
        return -density(self._flat(x), *self._parameters())

    def expect(self, x: Nest, draw: Draw) -> Nest:
        """The same, and the sums of an expectation step."""
        mean, loadings, log_noise = (tf.cast(value, tf.float64) for value in self._parameters())
        sums = expectation.sums_of(tf.cast(self._flat(x), tf.float64), mean, loadings, log_noise, self.missing)
        return self.losses(x, draw), {}, sums

    def maximise(self, sums: dict[str, Tensor]) -> None:
        """Takes the step that the sums lead to."""
        linear_checks.check_rows(expectation.rows_of(sums), self.num_components)
        mean, loadings, noise = expectation.maximise(sums, self.density.mean)
        scale = float(np.asarray(sums["squares"]) / np.asarray(sums["values"]))
        self.density.set(mean, loadings, max(noise, NOISE_FLOOR * scale))

    def moments(self, x: Nest, draw: Draw) -> Nest:
        """The same, and the sums of the data around the first batch's mean."""
        centred = tf.cast(self._flat(x), tf.float64) - tf.cast(self.density.mean, tf.float64)
        rows = tf.cast(tf.shape(x)[0], tf.float64)
        outer = tf.matmul(centred, centred, transpose_a=True)
        return self.losses(x, draw), {}, {"rows": rows, "total": tf.reduce_sum(centred, 0), "outer": outer}

    def take_moments(self, sums: dict[str, Tensor]) -> None:
        """Solves for the covariance that the sums give."""
        rows, total, outer = (np.asarray(sums[name]) for name in ("rows", "total", "outer"))
        linear_checks.check_rows(rows, self.num_components)
        shift = total / rows
        covariance = outer / rows - np.outer(shift, shift)
        mean = np.asarray(self.density.mean, "float64") + shift
        linear_checks.check_spread(mean, np.diag(covariance))
        self._take(mean, *moments.of_covariance(covariance, self.num_components))

    def initialize(self, batch: Nest, draw: Draw) -> None:
        """Begins at the first batch's mean; the loadings at random, of the scale of its deviations."""
        x = self._flat(batch)
        mean, variance = mean_and_variance(tf.where(tf.math.is_finite(x), x, self.density.mean))
        self.density.mean.assign(mean)
        if self.method == "closed_form":
            return
        variance = tf.numpy_function(linear_checks.check_start, [mean, variance], tf.float32)
        scale = tf.reduce_mean(tf.ensure_shape(variance, mean.shape))
        start = Draw.for_sampling(self.state.seed.value, tf.constant(0, tf.int64), self.density.size)
        self.density.loadings.assign(start.normal((self.latent_size,)) * tf.sqrt(scale / self.latent_size))
        self.density.log_noise.assign(tf.math.log(scale))

    def finish_epoch(self) -> None:
        super().finish_epoch()
        if self.method != "closed_form":
            self.density.refresh()

    def solve(self, x: Tensor) -> dict[str, float]:
        matrix = moments.as_matrix(x)
        mean, *found = moments.leading(matrix, self.num_components, self.solver, self.seed)
        return {"loss": self._take(mean, *found)}

    def _take(self, mean, variances, components, total):
        """Takes the maximum-likelihood parameters; returns minus the mean log-likelihood, in nats per sample."""
        size, count = self.density.size, self.num_components
        linear_checks.check_scale(total / size)
        rest = max(total - variances.sum(), 0.0)
        noise = max(rest / max(size - count, 1), NOISE_FLOOR * total / size, 1e-30)
        signal = np.maximum(variances - noise, 0.0)
        self.density.set(mean, components.T * np.sqrt(signal), noise)
        with moments.one_thread():
            self.density.refresh(components, variances, total)
        modelled = signal + noise
        log_det = np.log(modelled).sum() + (size - count) * math.log(noise)
        quadratic = (variances / modelled).sum() + rest / noise
        return 0.5 * (size * linear_gaussian.LOG_2PI + log_det + quadratic)

    # What users read.

    @property
    def mean_(self) -> np.ndarray:
        """The mean, shape `(d,)`, a NumPy array."""
        return np.asarray(self.density.mean)

    @property
    def components(self) -> np.ndarray:
        """The principal directions, shape `(q, d)`, orthonormal, that of most variance first."""
        return np.asarray(self.density.components)

    @property
    def explained_variance(self) -> np.ndarray:
        """The variances along the components (with $1 / N$), shape `(q,)`."""
        return np.asarray(self.density.explained_variance)

    @property
    def explained_variance_ratio(self) -> np.ndarray:
        """The components' shares of the sum of all variances, shape `(q,)`."""
        return self.explained_variance / max(float(np.asarray(self.density.total_variance)), 1e-30)

    @property
    def noise_variance(self) -> float:
        r"""$\sigma^2$, a number."""
        return math.exp(float(np.asarray(self.density.log_noise)))

    @classmethod
    def select(cls, x: Tensor, criterion: str = "minka", largest: int | None = None) -> Any:
        """Scores numbers of components of data; see `keras_dl.models.linear_selection.select`."""
        return linear_selection.select(x, criterion, largest)

    def to_vae(self, **options) -> keras.Model:
        """Returns the linear `VAE` that equals this model: its bound is the exact log-likelihood (Lucas et al. 2019).

        Args:
            **options: Options of `VAE`.
        """
        return linear_selection.to_vae(self, **options)

    def get_config(self) -> dict[str, Any]:
        names = ("shape", "num_components", "method", "missing", "solver")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        del config["ema_momentum"]
        return config


@keras.saving.register_keras_serializable(package="keras_dl")
class PCA(PPCA):
    r"""Principal component analysis: the directions of most variance, with the density of `PPCA`.

    `transform` is the orthogonal projection $U^\top (x - \mu)$ and `inverse_transform` its inverse $U z + \mu$;
    `encode`, `log_prob` and `sample` are those of the probabilistic model with the same components.

    Args:
        shape: Shape of a sample.
        num_components: How many, at most the values of a sample.
        whiten: Whether `transform` divides by the components' standard deviations.
        **options: Options of `PPCA`.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> pca = keras_dl.models.PCA(x.shape[1:], num_components=2)
    >>> history = pca.fit(x, verbose=0)
    >>> [f"{share:.2f}" for share in pca.explained_variance_ratio]
    ['0.15', '0.13']
    """

    fewer_by = 0

    def __init__(self, shape: Shape, num_components: int, whiten: bool = False, **options):
        super().__init__(shape, num_components, **options)
        self.whiten = check_flag(whiten, "whiten")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "whiten": self.whiten}

    def _scales(self):
        variance = tf.convert_to_tensor(self.density.explained_variance)
        return tf.sqrt(tf.maximum(variance, 1e-30)) if self.whiten else tf.ones_like(variance)

    def _transform(self, x):
        centred = self._filled(x) - self.density.mean
        return tf.matmul(centred, self.density.components, transpose_b=True) / self._scales()

    def _inverse_transform(self, latents):
        return self._shaped(tf.matmul(latents * self._scales(), self.density.components) + self.density.mean)
