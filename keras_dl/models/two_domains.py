"""Arrays of two domains of images, of which there may be different numbers, as batches."""

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.disk import glimpse
from keras_dl.data.images import unpaired
from keras_dl.models.fitting.checking import is_arrays


def batches(model, x, y, batch_size, options, shuffle=False):
    """Returns images of both domains as a dataset, in an order that the model's seed decides.

    Args:
        model: The `CycleGAN`.
        x, y: Images of A and of B, or both as `x`, a pair; or what is no array, such as a dataset.
        batch_size: Rows per batch.
        options: Dict of what else the method was given.
        shuffle: Whether orders are random.

    Returns:
        The dataset; `None` of what is no pair of arrays.

    Raises:
        ValueError: If there are weights, a part should be split off, or images are not what the model takes.
    """
    parts = x if y is None else (x, y)
    if not isinstance(parts, (tuple, list)) or not is_arrays(parts):
        return None
    weights = [name for name in ("sample_weight", "class_weight") if options.get(name) is not None]
    if weights or len(parts) > 2:
        expected = "data should be images of both domains, (a, b), without weights"
        raise refusal(expected, ", ".join(weights) or f"{len(parts)} parts")
    if options.get("validation_split"):
        split = {"validation_split": options["validation_split"]}
        raise refusal("`validation_split` should be 0 for two domains: give validation_data=(a, b)", **split)
    model.check_data(tuple(glimpse(part) for part in parts))
    a, b = parts
    return unpaired(a, b, batch_size, bool(shuffle), model.seed)


def held_out(model, data, batch_size):
    """Validation data of `fit` as a dataset, the same at every pass, where they are arrays; else as they are."""
    dataset = None if isinstance(data, tf.data.Dataset) else batches(model, data, None, batch_size, {})
    return data if dataset is None else dataset
