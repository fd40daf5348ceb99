"""Checks of a normalizing flow's parts and data."""

import math
import warnings
from typing import Any

import keras
import numpy as np

from keras_dl.bijectors import Bijector
from keras_dl.checks import check_count, check_counts, refusal
from keras_dl.data.checks import as_array, check_finite
from keras_dl.data.disk import Column
from keras_dl.likelihoods import Dequantized, Prior
from keras_dl.models import conditions
from keras_dl.networks import condition_inputs
from keras_dl.types import Shape

#: Images of which the values are counted.
_LOOKED_AT = 256


def check_parts(bijector, base=None, dequantized=None):
    """Refuses parts of the wrong kind."""
    kinds = (("bijector", bijector, Bijector, "a keras_dl.bijectors.Bijector"),)
    kinds += () if base is None else (("base", base, Prior, "a prior of keras_dl.likelihoods"),)
    kinds += () if dequantized is None else (("dequantized", dequantized, Dequantized, "a Dequantized"),)
    for name, part, kind, words in kinds:
        if not isinstance(part, kind):
            raise refusal(f"`{name}` should be {words}", **{name: part}, error=TypeError)


def data_shape(shape, dequantized):
    """The shape of a sample, which the argument or `dequantized` says."""
    if shape is None and dequantized is None:
        raise refusal("`shape` should be the shape of a sample, such as (2,)", "shape=None")
    shape = dequantized.shape if shape is None else tuple(check_counts(list(shape), "shape"))
    if dequantized is not None and tuple(shape) != dequantized.shape:
        raise refusal(f"`shape` should be that of `dequantized`, {dequantized.shape}", f"shape={shape}")
    return tuple(shape)


def embedding(condition):
    """The network that makes vectors of a condition, or `None`."""
    if condition is None:
        return None
    if isinstance(condition, keras.Model):
        if not conditions.takes_condition(condition) or len(condition.output_shape) != 2:
            raise refusal(
                "`condition` as a model should take {'condition': ...} and return vectors (batch, size)",
                f"{condition.name}",
            )
        return condition
    options = {"condition_shape": tuple(condition)} if isinstance(condition, (tuple, list)) else {}
    options = options or {"num_classes": check_count(condition, "condition", least=2)}
    inputs, _, vectors = condition_inputs.inputs("x", (1,), **options)
    return keras.Model({"condition": inputs["condition"]}, vectors, name="condition_vectors")


def latent_shape(bijector, shape):
    """The shape of latents, of as many values as the data have."""
    latents = tuple(bijector.compute_output_shape((None, *shape)))[1:]
    if size(latents) != size(shape):
        raise refusal(f"`bijector` should keep the number of values, {shape}", f"latents of shape {latents}")
    return latents


def size(shape):
    """How many values a sample has."""
    return math.prod(shape)


def check_base(base, latents):
    """Refuses a prior over another number of latents."""
    if base.sized_by_model and base.latent_size is None:
        base.fit_to(latents, (latents,))
    if base.latent_size != latents:
        raise refusal(f"`base` should be over {latents} latents, as many as a sample has values", f"{base.latent_size}")


def check_values(flow, x):
    """Refuses values that the flow has no density of."""
    x = as_array(x, "x")
    if flow.dequantized is not None:
        flow.dequantized.check(x)
        return
    check_finite(x, "x")
    flow.bijector.check(x)


class ConstantColumns:
    """What looks for columns that are constant over all batches of rows; see `watching.Look`."""

    expected = (
        "x should have no constant column: on it the density is unbounded, and the loss falls for ever. Leave it out, "
        "or add noise"
    )

    def __init__(self):
        self._first, self._constant = None, np.zeros(0, int)

    def add(self, x: Any) -> None:
        """Takes the rows of a batch."""
        x = np.asarray(x)
        if self._first is None and len(x):
            self._first, self._constant = x[0], np.arange(x.shape[1])
        if len(self._constant):
            varies = (x[:, self._constant] != self._first[self._constant]).any(0)
            self._constant = self._constant[~varies]

    def fault(self) -> str | None:
        """Names the columns that were the same in all rows, `None` if there are none."""
        return f"constant columns {self._constant.tolist()}" if len(self._constant) else None


class FewLevels:
    """What looks whether images take few values, as pixels do; see `watching.Look`.

    Args:
        shape: The shape of an image.
    """

    def __init__(self, shape: Shape):
        noise = f"NormalizingFlow(dequantized=Dequantized({tuple(shape)}, num_levels=...)) adds noise"
        text = "x should take more values than pixels do: of few the density is unbounded, and the loss falls for ever"
        self.expected = f"{text}. {noise}"
        self._values, self._size, self._left = np.zeros(0), 0, _LOOKED_AT

    def add(self, x: Any) -> None:
        """Takes the images of a batch, of which those beyond the first 256 are passed over."""
        if self._left:
            some = np.asarray(x[: self._left])
            self._values, self._size = np.union1d(self._values, some), self._size + some.size
            self._left -= len(some)

    def fault(self) -> str | None:
        """Says how many values there are, `None` if they are many."""
        levels = len(self._values)
        return f"{levels} values" if levels <= 256 and self._size > 4 * levels else None


def look_at(data, flow):
    """Refuses training data with a constant column, and warns of images of few levels: their density is unbounded.

    Args:
        data: The nest of arrays and columns on disk that is trained on, `x` or `(x, condition)`; `None` for a stream.
        flow: The flow.

    Returns:
        What looks for it in batches, a `watching.Look`; `None` where all is known by now.
    """
    if flow.dequantized is not None:
        return None
    table = len(flow.shape) == 1
    look = ConstantColumns() if table else FewLevels(flow.shape)
    x = data[0] if isinstance(data, (tuple, list)) and data else data
    known = hasattr(x, "__array__") or (isinstance(x, Column) and not table)  # some images are read soon
    if not known or len(x.shape) != len(flow.shape) + 1:
        return look
    look.add(np.asarray(x) if table else x)
    fault = look.fault()
    if fault is not None and table:
        raise refusal(look.expected, fault)
    if fault is not None:
        warnings.warn(str(refusal(look.expected, fault)), stacklevel=3)
    return None
