"""Log-likelihoods of held-out data: measured by one contract, whatever the family of the model."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_dl.tasks.measure import ROWS, Measure

DRAWS = 100
NOTE = "nats per sample; ± is one standard error over the samples"
BITS_NOTE = "bits per dimension of the integers, by {}; ± is one standard error over the samples"


class HeldOut(NamedTuple):
    """What a model says of held-out samples.

    Attributes:
        values: float64 array, log p of each, in nats.
        standard_errors: float64 array, how far Monte Carlo noise moves each.
        kind: `"exact"`, `"bound"` or `"estimate"`.
        num_samples: how many draws each took; None where it is exact.
    """

    values: Any
    standard_errors: Any
    kind: str
    num_samples: int | None

    def measure(self, title="log p(x)"):
        """The mean, with its standard error over the samples, which holds that of Monte Carlo noise."""
        bound = ", lower bound" if self.kind == "bound" else ""
        number = f", {self.num_samples} samples" if self.num_samples else ""
        return Measure(self.values.mean(), self._error(), "max", f"{title}{bound}{number}", NOTE, "nats")

    def bits_per_dimension(self, dequantized):
        """The mean in bits per dimension of integers, as a `keras_dl.likelihoods.Dequantized` counts them."""
        value, error = float(dequantized.bits_per_dim(self.values.mean())), self._error()
        error = None if error is None else abs(float(dequantized.bits_per_dim(error)))
        title = f"bits per dimension, {self.kind}" + (" from above" if self.kind == "bound" else "")
        return Measure(value, error, "min", title, BITS_NOTE.format(dequantized.in_words()), "bits")

    def circumstances(self):
        """What the figure rests on, which files hold and tables do not show."""
        figures = {"log_prob_kind": Measure(self.kind, title="")}
        if self.num_samples is not None:
            noise = math.sqrt(np.square(self.standard_errors).sum()) / len(self.values)
            figures["num_samples"] = Measure(self.num_samples, title="")
            figures["log_prob_monte_carlo_error"] = Measure(None if math.isnan(noise) else noise, title="")
        return figures

    def _error(self):
        count = len(self.values)
        return float(self.values.std(ddof=1) / math.sqrt(count)) if count > 1 else None


def draws(model, num_samples=None):
    """Returns the options of `log_density` of a model: how many draws per sample, where it makes some."""
    return {} if model.log_prob_kind == "exact" else {"num_samples": num_samples or DRAWS}


def log_density(model, data, held_out, num_samples=None):
    """Measures log p of held-out data.

    Args:
        model: a model with `log_density`.
        data: `Arrays`.
        held_out: their held-out pipeline.
        num_samples: how many draws per sample, where the model makes some; None for the usual number.

    Returns:
        A `HeldOut`.
    """
    options, parts = draws(model, num_samples), []
    for batch in held_out.rebatch(ROWS):
        x, condition = data.split(batch)
        conditions = {"condition": condition} if data.conditional else {}
        parts.append(model.log_density(x, **conditions, **options))
    values = np.concatenate([as_array(part.values) for part in parts]).astype("float64")
    errors = np.concatenate([as_array(part.standard_errors) for part in parts]).astype("float64")
    return HeldOut(values, errors, parts[0].kind, options.get("num_samples"))


def as_array(tensor):
    """Returns a tensor as a NumPy array."""
    return keras.ops.convert_to_numpy(tensor)
