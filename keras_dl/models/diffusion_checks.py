"""Checks of a diffusion model's arguments, the weights of its loss, and the refusal of a tolerance."""

import contextlib

import numpy as np
import tensorflow as tf
from keras import Model

from keras_dl import processes, samplers
from keras_dl.checks import check_number, refusal
from keras_dl.data.checks import as_array
from keras_dl.models import shapes
from keras_dl.models.structure import changing_states

WEIGHTINGS = (None, "min_snr", "likelihood")


@contextlib.contextmanager
def solvable(tolerance):
    """Turns a solver that gives up into a `ValueError` about its tolerance."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if "tolerance should be" not in str(error):
            raise
        count = samplers.dormand_prince.MOST_EVALUATIONS
        raise refusal(f"`tolerance` should be one that {count:,} evaluations can meet", tolerance=tolerance) from error


def weight(process, t, prediction, weighting):
    """The weight of the squared error of a prediction at times `t`, shape `(rows,)`."""
    if weighting is None:
        return tf.ones_like(t)
    alpha, sigma = process.alpha(t), process.sigma(t)
    p, q = processes.coefficients(process, t, prediction)
    to_data = tf.square(sigma / (alpha * q - p * sigma))  # squared error of the data per squared error of this kind
    if weighting == "min_snr":
        return tf.minimum(tf.square(alpha / sigma), 5.0) * to_data
    return alpha * process.wronskian(t) / sigma**3 * to_data


def check_network(network):
    """Refuses a network that is not told the time, or changes the shape."""
    inputs = getattr(network, "input", None) if isinstance(network, Model) else None
    if not isinstance(inputs, dict) or not {"x", "time"} <= set(inputs):
        raise refusal(
            "`network` should take a dict of 'x' and 'time', as keras_dl.networks.denoising_unet does", network=network
        )
    expected, output = tuple(inputs["x"].shape[1:]), getattr(network.output, "shape", (None,))
    if tuple(output[1:]) != expected:
        raise refusal(f"`network` should return the shape of 'x', {expected}", f"{tuple(output[1:])}")


def check_without_states(network):
    """Refuses a network that is no function of its inputs in training.

    A solver calls it at many times within a step, always with the states of the first.
    """
    states = changing_states(network)
    if states:
        raise refusal(
            "`network` should be a function of its inputs and weights alone, without dropout, batch normalization or "
            "other layers that change their state in training",
            f"the states {states}",
        )


def check_prediction(process, prediction, weighting):
    """Refuses what is no process, no kind of prediction, or one that says nothing at the noisiest time."""
    if not isinstance(process, processes.Process):
        raise refusal("`process` should be a keras_dl.processes.Process", process=process, error=TypeError)
    if prediction not in processes.KINDS:
        raise refusal(f"`prediction` should be one of {processes.KINDS}", prediction=prediction)
    processes.coefficients(process, process.t_max, prediction)
    if process.jitters and prediction != "velocity":
        raise refusal("`prediction` should be 'velocity' for a path with noise of its own", prediction=prediction)
    if float(process.alpha(process.t_max)) < 1e-6 and prediction in ("noise", "score"):
        raise refusal(
            "`prediction` should be 'data', 'v' or 'velocity' for a process that ends in pure noise",
            prediction=prediction,
        )
    if weighting not in WEIGHTINGS:
        raise refusal(f"`weighting` should be one of {WEIGHTINGS}", weighting=weighting)


def check_range(value_range, shape):
    """Returns the bounds of data as a tuple of floats, or `None`."""
    if isinstance(value_range, str) and value_range == "auto":
        return (0.0, 1.0) if len(shape) == 3 else None
    if value_range is None:
        return None
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2 or not value_range[0] < value_range[1]:
        raise refusal("`value_range` should be (low, high), None or 'auto'", value_range=value_range)
    low, high = (check_number(value, "value_range") for value in value_range)
    return float(low), float(high)


def check_time(time, rows, process):
    """Returns the times of `rows` samples as a float32 tensor, of which none lies outside of the process."""
    values = np.asarray(time, "float32")
    latest = np.inf if process.sigma_data is not None else process.t_max * (1.0 + 1e-6)
    if values.shape not in ((), (rows,)):
        raise refusal(f"`time` should be one number, or one of each of {rows} rows", f"shape {values.shape}")
    if not (np.isfinite(values) & (values >= 0.0) & (values <= latest)).all():
        expected = f"`time` should lie in [0, {latest:g}], as {type(process).__name__} does"
        raise refusal(expected, f"values from {values.min():g} to {values.max():g}")
    return tf.broadcast_to(tf.constant(values), [rows])


def check_inputs(model, inputs):
    """Refuses what a model cannot predict from: anything but a dict of noisy samples, their times and conditions."""
    if not isinstance(inputs, dict) or not {"x", "time"} <= set(inputs):
        raise refusal("inputs should be a dict with 'x' and 'time'", f"{type(inputs).__name__}")
    shapes.check_x(inputs["x"], model.data_shape)
    rows = len(inputs["x"])
    check_time(inputs["time"], rows, model.process)
    model.checked_condition(inputs.get("condition"), rows)


def check_independent(model):
    """Refuses to inpaint along paths whose points at a time do not follow from data and independent points."""
    if model.coupling is not None or model.process.jitters or model.carries_source:
        raise refusal(
            "`inpaint` should be asked of paths to independent points of a source",
            f"coupling={model.coupling!r}, process={model.process!r}",
        )


def check_known(x, mask, data_shape, unknown):
    """Returns data with `unknown` where a mask of zeros and ones is 0, and the mask, as float32 tensors."""
    x, mask = as_array(x, "x"), as_array(mask, "mask")
    shapes.check_x(x, data_shape)
    if mask.shape not in (x.shape, (*x.shape[:-1], 1)):
        raise refusal(f"`mask` should have shape {x.shape}, or that with one channel", f"shape {mask.shape}")
    if not np.isin(mask, (0, 1)).all():
        raise refusal("`mask` should hold 0 and 1", f"{mask[~np.isin(mask, (0, 1))].flat[0]}")
    return shapes.as_rows(np.where(mask, x, unknown), data_shape), tf.constant(mask, tf.float32)


def check_steps_of_its_own(sampler):
    """Refuses to inpaint by a sampler that has no steps after which the known could be put back."""
    if sampler is samplers.adaptive:
        raise refusal("`sampler` should not be 'adaptive' for `inpaint`, which acts after steps", sampler="adaptive")


def check_sampler(sampler):
    """Returns the name of a sampler, as a model's configuration holds it."""
    samplers.get(sampler)
    if not isinstance(sampler, str):
        raise refusal("`sampler` of a model should be a name; `sample` takes functions", sampler=sampler)
    return sampler
