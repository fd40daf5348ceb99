"""Named forms of normalizing flows."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_dl import bijectors
from keras_dl.checks import check_count, refusal
from keras_dl.models.flow import NormalizingFlow
from keras_dl.types import Shape

NORMALIZATIONS = {"actnorm": bijectors.ActNorm, "batch": bijectors.BatchNorm, None: None}


@keras.saving.register_keras_serializable(package="keras_dl")
class RealNVP(NormalizingFlow):
    """Affine couplings that map both halves in turn, between normalisations (Dinh et al. 2017, "Real NVP").

    Samples of any shape are taken as vectors; images are `Glow`'s.

    Args:
        shape: Shape of a sample.
        num_layers: Number of couplings.
        hidden: Widths of each coupling's network.
        normalization: `"actnorm"`, `"batch"` or `None`, in front of each coupling.
        mask: `"half"`, or `"checkerboard"` for every other value.
        recompute: Whether training computes steps again to save memory; see `keras_dl.bijectors.Chain`.
        **options: `base`, `condition`, `dequantized`, `seed`, `ema_momentum` and `name` of `NormalizingFlow`.

    Example:

    >>> flow = keras_dl.models.RealNVP((2,), num_layers=4, hidden=(16,))
    >>> flow.sample(3).shape
    TensorShape([3, 2])
    """

    form = ("num_layers", "hidden", "normalization", "mask", "recompute")

    def __init__(
        self,
        shape: Shape | None = None,
        num_layers: int = 8,
        hidden: Sequence[int] = (64, 64),
        normalization: str | None = "actnorm",
        mask: str = "half",
        recompute: bool = False,
        **options,
    ):  # fmt: skip
        steps = []
        for number in range(check_count(num_layers, "num_layers")):
            steps += [
                *_normalization(normalization),
                bijectors.AffineCoupling(mask=mask, swap=number % 2, hidden=hidden),
            ]
        super().__init__(_of_vectors(steps, recompute), shape, **options)
        self.recompute = recompute
        self.num_layers, self.hidden, self.normalization, self.mask = num_layers, tuple(hidden), normalization, mask


@keras.saving.register_keras_serializable(package="keras_dl")
class MAF(NormalizingFlow):
    """Masked autoregressive flow: MADEs in alternating orders (Papamakarios et al. 2017).

    Args:
        shape: Shape of a sample.
        num_layers: Number of autoregressive maps.
        hidden: Widths of each MADE.
        normalization: `"actnorm"`, `"batch"` or `None`, in front of each.
        transform: A `keras_dl.bijectors.Transform` of single values; `None` is `AffineTransform()`.
        recompute: Whether training computes steps again to save memory; see `keras_dl.bijectors.Chain`.
        **options: `base`, `condition`, `dequantized`, `seed`, `ema_momentum` and `name` of `NormalizingFlow`.

    Example:

    >>> flow = keras_dl.models.MAF((3,), num_layers=2, hidden=(16,), condition=4)
    >>> flow.sample(2, condition=[0, 3]).shape
    TensorShape([2, 3])
    """

    form = ("num_layers", "hidden", "normalization", "transform", "recompute")

    def __init__(
        self,
        shape: Shape | None = None,
        num_layers: int = 5,
        hidden: Sequence[int] = (64, 64),
        normalization: str | None = "actnorm",
        transform: Any = None,
        recompute: bool = False,
        **options,
    ):  # fmt: skip
        steps = []
        for number in range(check_count(num_layers, "num_layers")):
            step = bijectors.Autoregressive(transform, hidden, reverse=number % 2)
            steps += [*_normalization(normalization), step]
        super().__init__(_of_vectors(steps, recompute), shape, **options)
        self.recompute = recompute
        self.num_layers, self.hidden, self.normalization = num_layers, tuple(hidden), normalization
        self.transform = transform

    def get_config(self) -> dict[str, Any]:
        transform = None if self.transform is None else keras.saving.serialize_keras_object(self.transform)
        return {**super().get_config(), "transform": transform}


@keras.saving.register_keras_serializable(package="keras_dl")
class NeuralSplineFlow(NormalizingFlow):
    """Couplings of rational-quadratic splines between linear maps (Durkan et al. 2019, "Neural spline flows").

    Args:
        shape: Shape of a sample.
        num_layers: Number of couplings.
        hidden: Widths of each coupling's network.
        num_bins: Number of bins.
        bound: End of the splines' interval; data should lie within about this many deviations.
        recompute: Whether training computes steps again to save memory; see `keras_dl.bijectors.Chain`.
        **options: `base`, `condition`, `dequantized`, `seed`, `ema_momentum` and `name` of `NormalizingFlow`.

    Example:

    >>> flow = keras_dl.models.NeuralSplineFlow((2,), num_layers=2, hidden=(16,), num_bins=4)
    >>> flow.log_prob([[0.0, 1.0]]).shape
    TensorShape([1])
    """

    form = ("num_layers", "hidden", "num_bins", "bound", "recompute")

    def __init__(
        self,
        shape: Shape | None = None,
        num_layers: int = 5,
        hidden: Sequence[int] = (64, 64),
        num_bins: int = 8,
        bound: float = 3.0,
        recompute: bool = False,
        **options,
    ):
        steps = []
        for number in range(check_count(num_layers, "num_layers")):
            coupling = bijectors.SplineCoupling(num_bins, bound, swap=number % 2, hidden=hidden)
            steps += [bijectors.ActNorm(), bijectors.InvertibleLinear(seed=number), coupling]
        super().__init__(_of_vectors(steps, recompute), shape, **options)
        self.recompute = recompute
        self.num_layers, self.hidden, self.num_bins, self.bound = num_layers, tuple(hidden), num_bins, bound


@keras.saving.register_keras_serializable(package="keras_dl")
class Glow(NormalizingFlow):
    """Multi-scale flow of images (Kingma & Dhariwal 2018, "Glow").

    Each level squeezes, applies `num_steps` times ActNorm, an invertible 1x1 convolution and an affine coupling, and
    lets half of the channels go, but for the last.

    Args:
        shape: Shape of an image, `(height, width, channels)`; height and width are multiples of `2 ** num_levels`.
        num_levels: Number of levels.
        num_steps: Steps per level, $K$.
        hidden: Channels of each coupling's convolutions.
        recompute: Whether training computes steps again to save memory; see `keras_dl.bijectors.Chain`.
        **options: `base`, `condition`, `dequantized`, `seed`, `ema_momentum` and `name` of `NormalizingFlow`.

    Example:

    >>> pixels = keras_dl.likelihoods.Dequantized((8, 8, 1), num_levels=17, value_range=(-0.5, 0.5))
    >>> flow = keras_dl.models.Glow(num_levels=2, num_steps=1, hidden=(4, 4), dequantized=pixels)
    >>> flow.sample(2, temperature=0.7).shape
    TensorShape([2, 8, 8, 1])
    """

    form = ("num_levels", "num_steps", "hidden", "recompute")

    def __init__(
        self,
        shape: Shape | None = None,
        num_levels: int = 2,
        num_steps: int = 6,
        hidden: Sequence[int] = (64, 64),
        recompute: bool = False,
        **options,
    ):
        check_count(num_levels, "num_levels"), check_count(num_steps, "num_steps")
        rest = None
        for level in reversed(range(num_levels)):
            rest = _glow_level(level, num_steps, hidden, rest, recompute)
        super().__init__(rest, shape, **options)
        self.recompute = recompute
        self.num_levels, self.num_steps, self.hidden = num_levels, num_steps, tuple(hidden)


def _glow_level(level, num_steps, hidden, rest, recompute):
    steps = [bijectors.Squeeze()]
    for number in range(num_steps):
        steps += [bijectors.ActNorm(), bijectors.InvertibleLinear(seed=1000 * level + number)]
        steps.append(bijectors.AffineCoupling("sigmoid", mask="channel", hidden=hidden))
    steps.append(bijectors.Flatten() if rest is None else bijectors.Split(rest))
    return bijectors.Chain(steps, recompute)


def _normalization(name):
    if name not in NORMALIZATIONS:
        raise refusal("`normalization` should be 'actnorm', 'batch' or None", normalization=name)
    return [] if name is None else [NORMALIZATIONS[name]()]


def _of_vectors(steps, recompute):
    """The steps behind one that takes samples of any shape as vectors."""
    return bijectors.Chain([bijectors.Flatten(), *steps], recompute)
