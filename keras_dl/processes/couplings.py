"""Couplings of flow matching: which point of the source each sample of a batch is joined to."""

import keras
import numpy as np

from keras_dl.checks import check_count, check_number, refusal
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor


class Coupling(Configurable):
    """Base class of couplings, which see the global batch as NumPy arrays. A subclass writes `pairs`."""

    def pairs(
        self, x: Tensor, source: Tensor, condition: Tensor | None = None, uniform: Tensor | None = None
    ) -> Tensor:
        """Returns the row of the source for each row of data, int32 of shape `(rows,)`.

        Args:
            x: Data, shape `(rows, ...)`.
            source: As many points of the source, of the same shape.
            condition: Conditions of the data, shape `(rows, ...)`, or `None`.
            uniform: A random number in (0, 1) per row, for couplings that draw.
        """
        raise NotImplementedError(f"{type(self).__name__} should define pairs(x, source, condition, uniform).")


@keras.saving.register_keras_serializable(package="keras_dl")
class OptimalTransport(Coupling):
    r"""Optimal transport within a batch (Tong et al. 2024; Pooladian et al. 2023): OT-CFM.

    The permutation $\pi$ that minimises $\sum_i |x_i - s_{\pi(i)}|^2$, exactly, by `scipy.optimize`: each point of the
    source is used once. It takes no notice of conditions, which makes a conditional model worse than independent
    pairs do: see `ConditionalTransport`.

    Example:

    >>> OptimalTransport().pairs(np.array([[0.0], [5.0]]), np.array([[4.0], [1.0]])).tolist()
    [1, 0]
    """

    def pairs(
        self, x: Tensor, source: Tensor, condition: Tensor | None = None, uniform: Tensor | None = None
    ) -> Tensor:
        return assignment(distances(x, source))


@keras.saving.register_keras_serializable(package="keras_dl")
class ConditionalTransport(Coupling):
    r"""Optimal transport that leaves the source independent of the condition (Cheng & Schwing 2025): C2OT.

    Each point of the source takes the condition of its row, $c_i$, and the cost of joining it to $x_j$ is
    $|x_j - s_i|^2 + w\, |c_j - c_i|^2$. For labels, and rows of them, $w$ is infinite: transport stays within a class.
    For numbers, $w$ is such that `share` of the pairs $i \ne j$ cost less than the pair of row $i$ with itself.

    Args:
        share: Share of pairs that may be cheaper, in (0, 1).

    Raises:
        ValueError: If `share` is out of range, or `pairs` gets no condition.

    Example: points stay within their class.

    >>> x, source = np.array([[0.0], [5.0], [6.0]]), np.array([[9.0], [7.0], [4.0]])
    >>> ConditionalTransport().pairs(x, source, np.array([0, 1, 1])).tolist()
    [0, 2, 1]
    """

    def __init__(self, share: float = 0.05):
        self.share = check_number(share, "share", above=0, below=1)

    def pairs(
        self, x: Tensor, source: Tensor, condition: Tensor | None = None, uniform: Tensor | None = None
    ) -> Tensor:
        if condition is None:
            raise refusal("`condition` should be given to a conditional transport", condition=condition)
        condition = np.asarray(condition)
        if condition.dtype.kind in "iub":
            return _within_classes(x, source, condition)
        cost, gaps = distances(x, source), distances(condition, condition)
        return assignment(cost + self.weight(cost, gaps) * gaps)

    def weight(self, cost: Tensor, gaps: Tensor) -> float:
        """Returns $w$: the quantile of the weights at which a pair costs what its source's own pair does.

        Args:
            cost: Squared distances of data and source, shape `(rows, rows)`.
            gaps: Squared distances of the conditions, of that shape.
        """
        differ = gaps > 0  # equal conditions cost nothing at any weight
        if not differ.any():
            return 0.0
        limits = (np.diagonal(cost)[None, :] - cost)[differ] / gaps[differ]
        return max(float(np.quantile(limits, 1.0 - self.share)), 0.0)


@keras.saving.register_keras_serializable(package="keras_dl")
class EntropicTransport(Coupling):
    r"""Entropic optimal transport within a batch, the coupling of Schroedinger bridges (Tong et al. 2024).

    The plan that minimises $\sum_{ij} P_{ij} |x_i - s_j|^2 + 2 \sigma^2 \sum_{ij} P_{ij} \log P_{ij}$ with uniform
    marginals, by Sinkhorn's iteration. Each row of data is used once; its source is drawn from its row of the plan.

    Args:
        noise: $\sigma$, as of the `Bridge` along which the pairs are joined.
        iterations: Most iterations.

    Raises:
        ValueError: If an argument is not positive.

    Example: with much noise, all pairs are about equally probable.

    >>> x = np.array([[0.0], [1.0]])
    >>> EntropicTransport(100.0).plan(x, x).round(3).tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """

    def __init__(self, noise: float = 1.0, iterations: int = 500):
        self.noise, self.iterations = check_number(noise, "noise", above=0), check_count(iterations, "iterations")

    def pairs(
        self, x: Tensor, source: Tensor, condition: Tensor | None = None, uniform: Tensor | None = None
    ) -> Tensor:
        ends = np.cumsum(self.plan(x, source), axis=1)
        levels = np.asarray(uniform, "float64")[:, None] * ends[:, -1:]
        return np.minimum((ends < levels).sum(axis=1), len(ends) - 1).astype("int32")

    def plan(self, x: Tensor, source: Tensor) -> np.ndarray:
        """Returns the plan, float64 of shape `(rows, rows)`, which sums to 1."""
        kernel = -distances(x, source) / (2.0 * self.noise**2)
        rows, level = len(kernel), -np.log(len(kernel))
        columns = np.zeros(rows)
        for _ in range(self.iterations):
            by_row = level - _log_sum(kernel + columns, axis=1)
            previous, columns = columns, level - _log_sum(kernel + by_row[:, None], axis=0)
            if np.abs(columns - previous).max() < 1e-6:
                break
        return np.exp(kernel + by_row[:, None] + columns)


def distances(x, y):
    """Returns the squared Euclidean distances of all pairs of rows, float64 of shape `(rows of x, rows of y)`."""
    x, y = (np.asarray(part, "float64").reshape(len(part), -1) for part in (x, y))
    squares = np.square(x).sum(1)[:, None] + np.square(y).sum(1) - 2.0 * x @ y.T
    return np.maximum(squares, 0.0)


def assignment(cost):
    """Returns the columns that the rows of a cost matrix take where the sum of costs is least, int32."""
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(cost)[1].astype("int32")


def _within_classes(x, source, labels):
    """The best permutation that joins rows of equal labels only."""
    _, numbers = np.unique(labels.reshape(len(labels), -1), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1)
    pairs = np.arange(len(labels), dtype="int32")
    for number in range(numbers.max(initial=-1) + 1):
        members = np.flatnonzero(numbers == number)
        pairs[members] = members[assignment(distances(x[members], source[members]))]
    return pairs


def _log_sum(values, axis):
    """The logarithm of a sum of exponentials along an axis."""
    largest = values.max(axis=axis, keepdims=True)
    return np.log(np.exp(values - largest).sum(axis=axis)) + largest.squeeze(axis)
