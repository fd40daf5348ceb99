"""The data of a trial: arrays divided into batches by what a recipe and `tuner.search` say."""

import keras_tuner as kt

from keras_dl.checks import refusal
from keras_dl.data.pipeline import pipeline
from keras_dl.models.fitting.checking import is_arrays

BATCHES = ("batch_size", "binarize", "drop_remainder", "sample_weight", "shuffle")
#: Options that only `fit` itself works into arrays.
OF_FIT = ("class_weight", "validation_split")
BATCH_SIZE = 32  # Keras' own


def batches(x, y, validation_data, recipe, options, seed, held_out_seed):
    """Divides arrays into batches, as the recipe says and, before it, the options of `search`.

    Args:
        x, y: Arrays, or nests of them.
        validation_data: Arrays `(x, y)` or `(x, y, sample_weight)`, a dataset, or `None`.
        recipe: Dict of the recipe's `fit_options`.
        options: Dict of what `search` was given.
        seed: Integer from which the order of the data follows.
        held_out_seed: Integer from which the binarisation of held-out data follows.

    Returns:
        `(x, y, validation_data, options)` for `fit`.

    Raises:
        keras_tuner.errors.FatalValueError: If options do not go together.
    """
    options = {**recipe, **{name: value for name, value in options.items() if value is not None}}
    how = {name: options.pop(name) for name in BATCHES if name in options}
    how.setdefault("batch_size", BATCH_SIZE)
    if y is None and how.get("sample_weight") is not None:
        text = "search should be given sample_weight with y, whose losses it weighs"
        raise refusal(text, "y=None", error=kt.errors.FatalValueError)
    weighed = [name for name in OF_FIT if options.get(name)]
    changes = [name for name in ("binarize", "drop_remainder") if how.get(name)]
    if weighed and changes:
        raise refusal(
            f"search should be given sample_weight and validation_data where the recipe says {' and '.join(changes)}",
            f"{', '.join(f'{name}={options[name]!r}' for name in weighed)}",
            error=kt.errors.FatalValueError,
        )
    if weighed:
        how = {name: value for name, value in how.items() if name not in ("binarize", "drop_remainder")}
        return x, y, validation_data, {**options, **how}
    held_out_size = options.pop("validation_batch_size", how["batch_size"])
    if validation_data is not None and is_arrays(validation_data):
        validation_data = _held_out(validation_data, held_out_size, how.get("binarize"), held_out_seed)
    return pipeline(x, y, seed=seed, **how), None, validation_data, options


def without_batches(recipe, options):
    """The options of `fit` for a dataset, which is divided already.

    Raises:
        keras_tuner.errors.FatalValueError: If `search` was given a batch size, too.
    """
    if options.get("batch_size") is not None:
        raise refusal(
            "search should be given batch_size with arrays only: a dataset has batches",
            batch_size=options["batch_size"],
            error=kt.errors.FatalValueError,
        )
    return {**{name: value for name, value in recipe.items() if name not in BATCHES}, **options}


def _held_out(data, batch_size, binarize, seed):
    """Held-out arrays in order, the same at every pass."""
    x, y, weight = (*(data if isinstance(data, (tuple, list)) else (data,)), None, None)[:3]
    binarize = "static" if binarize else None
    return pipeline(x, y, batch_size, sample_weight=weight, shuffle=False, seed=seed, binarize=binarize)
