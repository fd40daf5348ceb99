"""Clustering by k-means."""

import math
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.data.checks import check_finite
from keras_dl.models import mixture_starts, moments, shapes
from keras_dl.models.base import Draw, Signature, Update, gather_rows
from keras_dl.models.solved import SolvedModel
from keras_dl.models.stepwise import RunningSum
from keras_dl.types import Nest, Shape, Tensor

METHODS = ("lloyd", "mini_batch")


class Centres(keras.layers.Layer):
    """The centres of clusters.

    Args:
        size: Values per sample.
        count: How many clusters.
        **kwargs: Options of `keras.layers.Layer`.
    """

    def __init__(self, size, count, **kwargs):
        super().__init__(**kwargs)
        self.size, self.count = size, count
        options = {"dtype": "float32", "autocast": False, "trainable": False}
        self.centres = self.add_weight(name="centres", shape=(count, size), initializer="zeros", **options)
        self.built = True

    def get_config(self):
        return {**super().get_config(), "size": self.size, "count": self.count}


@keras.saving.register_keras_serializable(package="keras_dl")
class KMeans(SolvedModel):
    r"""Clusters of the least inertia $\sum_i \min_k \lVert x_i - \mu_k \rVert^2$ (Lloyd 1982).

    `fit` takes arrays, which are clustered in float64 by Lloyd's iterations from several k-means++ starts (Arthur &
    Vassilvitskii 2007), of which the best is taken; or batches, of which the first one decides the start and an epoch
    is an iteration over all rows, so that memory does not grow with them. With `"mini_batch"` every step moves each
    centre to the mean of all rows that were ever nearest to it (Sculley 2010, "Web-scale k-means clustering"). The
    tracked `loss` is the mean squared distance from the nearest centre.

    Args:
        shape: Shape of a sample.
        num_clusters: How many clusters.
        starts: How many starts the best is taken of.
        max_iterations: Largest number of iterations per start.
        seed: Integer that decides starts and data order; `None` draws one.
        name: Name of the model.
        method: `"lloyd"` or `"mini_batch"`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> x, _ = keras_dl.data.sample_points("eight_gaussians", 400)
    >>> clusters = keras_dl.models.KMeans((2,), num_clusters=8, seed=0)
    >>> history = clusters.fit(x, verbose=0)
    >>> clusters.centres.shape, clusters.predict(x[:3], verbose=0).shape, clusters.transform(x[:3]).shape
    ((8, 2), (3,), TensorShape([3, 8]))
    """

    optimizer_names = ()

    def __init__(
        self,
        shape: Shape,
        num_clusters: int,
        starts: int = 10,
        max_iterations: int = 300,
        seed: int | None = None,
        name: str | None = None,
        method: str = "lloyd",
        **kwargs,
    ):
        if method not in METHODS:
            raise refusal(f"`method` should be one of {METHODS}", method=method)
        if not isinstance(shape, (tuple, list)) or not shape:
            raise refusal("`shape` should be the shape of a sample, such as x.shape[1:]", shape=shape)
        size = math.prod(check_count(n, "shape") for n in shape)
        layer = Centres(size, check_count(num_clusters, "num_clusters"), name="clusters")
        super().__init__({"clusters": layer}, seed=seed, name=name, **kwargs)
        self.shape, self.num_clusters = tuple(shape), num_clusters
        self.starts = check_count(starts, "starts")
        self.max_iterations = check_count(max_iterations, "max_iterations")
        self.method, self.solves = method, method == "lloyd"
        if method == "mini_batch":
            self.carry("counts", RunningSum((num_clusters,)))

    def make_updates(self) -> tuple[Update, ...]:
        sums = {"counts": (self.num_clusters,), "totals": (self.num_clusters, self.clusters.size)}
        return (Update("lloyd", self.assign_rows, sums=sums, finish=self.move),)

    def solve(self, x: Tensor) -> dict[str, float]:
        matrix = moments.as_matrix(x).astype("float64")
        centre = matrix.mean(0)
        matrix -= centre
        centres, labels = self._best(matrix)
        self.clusters.centres.assign((centres + centre).astype("float32"))
        return {"loss": float(np.square(matrix - centres[labels]).sum(1).mean())}

    def _best(self, matrix):
        return mixture_starts.best_of(matrix, self.num_clusters, self.seed, self.starts, self.max_iterations)

    def assign_rows(self, x: Tensor, draw: Draw) -> Nest:
        """Squared distances from the nearest centres, and the sums of rows' differences from them by cluster."""
        x = self._flat(x)
        distances = self._squared_distances(x, self._moving() if draw.training else None)
        nearest = tf.argmin(distances, -1)
        weights = tf.one_hot(nearest, self.num_clusters)
        differences = x - tf.gather(tf.convert_to_tensor(self.clusters.centres), nearest)
        totals = tf.matmul(weights, differences, transpose_a=True)
        return tf.reduce_min(distances, -1), {}, {"counts": tf.reduce_sum(weights, 0), "totals": totals}

    def _moving(self):
        """The centres within an epoch, of which the totals are differences from those at its start."""
        if self.method == "lloyd":
            return None
        counts, totals = self.carried["counts"].value, self.carried["totals"].value
        return self.clusters.centres + tf.cast(totals / tf.maximum(counts, 1.0)[:, None], tf.float32)

    def move(self, sums: dict[str, Tensor]) -> None:
        """Moves each centre to the mean of its rows; one without rows stays, with a warning."""
        counts, totals = (np.asarray(sums[name], "float64") for name in ("counts", "totals"))
        if (counts == 0).any():
            warnings.warn(f"Clusters without rows stay: {np.flatnonzero(counts == 0).tolist()}", stacklevel=2)
        moved = np.asarray(self.clusters.centres, "float64") + totals / np.maximum(counts, 1)[:, None]
        self.clusters.centres.assign(moved.astype("float32"))

    def initialize(self, batch: Nest, draw: Draw) -> None:
        """Begins by k-means on the first global batch."""
        start = tf.numpy_function(self._start, [gather_rows(self._flat(batch))], tf.float32)
        self.clusters.centres.assign(tf.ensure_shape(start, self.clusters.centres.shape))

    def _start(self, x):
        mixture_starts.check_first_batch(x, self.num_clusters)
        x = x.astype("float64")
        return (self._best(x - x.mean(0))[0] + x.mean(0)).astype("float32")

    # What users call.

    @property
    def centres(self) -> np.ndarray:
        """The centres, shape `(num_clusters, *shape)`, a NumPy array."""
        return np.asarray(self.clusters.centres).reshape(-1, *self.shape)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Distances from the centres, shape `(batch, num_clusters)`."""
        return self._distances(inputs)

    def predict(self, x: Tensor, batch_size: int | None = None, verbose: int | str = "auto", **options) -> np.ndarray:
        """Returns the nearest cluster of every sample, an int64 array of shape `(batch,)`."""
        return np.asarray(super().predict(x, batch_size, verbose, **options)).argmin(-1)

    def transform(self, x: Tensor) -> Tensor:
        """Returns the distances from the centres, shape `(batch, num_clusters)`."""
        if not shapes.is_symbolic(x):
            self.check_data(x)
        return self.as_graph(self._distances)(tf.cast(x, tf.float32))

    def inertia(self, x: Tensor) -> float:
        """Returns the sum of squared distances from the nearest centres, a number."""
        return float(np.square(np.asarray(self.transform(x), "float64").min(1)).sum())

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        x = {"x": tf.TensorSpec([None, *self.shape], tf.float32)}

        def predict(x):
            distances = self._distances(x)
            return {"distances": distances, "cluster": tf.argmin(distances, -1)}

        return {
            "predict": Signature(predict, x),
            "transform": Signature(lambda x: {"distances": self._distances(x)}, x),
        }

    def check_data(self, data: Nest) -> None:
        check_finite(shapes.alone(data, self.shape), "x")

    def check_inputs(self, inputs: Nest) -> None:
        self.check_data(inputs)

    def check_training(self, x: Tensor) -> None:
        if len(x) < self.num_clusters:
            raise refusal(f"x should have at least {self.num_clusters} rows, one per cluster", f"{len(x)} rows")
        mixture_starts.check_distinct(x, self.num_clusters)

    def _flat(self, x):
        return tf.reshape(tf.cast(x, tf.float32), [-1, self.clusters.size])

    def _squared_distances(self, x, centres=None):
        centres = self.clusters.centres if centres is None else centres
        return tf.reduce_sum(tf.square(x[:, None] - centres), -1)

    def _distances(self, x):
        return tf.sqrt(self._squared_distances(self._flat(x)))

    def get_config(self) -> dict[str, Any]:
        names = ("shape", "num_clusters", "starts", "max_iterations", "method")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        del config["ema_momentum"]
        return config
