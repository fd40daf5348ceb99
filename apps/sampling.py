"""What `apps.sample` does once TensorFlow is there."""

from pathlib import Path

import keras
import numpy as np

from apps import pictures, progress
from apps.cli import UserError, user_errors
from apps.run_folder import RunFolder
from keras_dl.callbacks import save_samples


def sample(arguments):
    """Draws samples from a run's model and writes them."""
    folder = RunFolder(arguments.folder)
    config = folder.read_config()
    model = folder.load_model()
    if not hasattr(model, "sample"):
        raise UserError(f"the model of {folder.path} does not generate: {type(model).__name__} has no `sample`")
    condition = _condition(arguments, config)
    count = arguments.num_samples or (64 if condition is None else len(condition))
    with user_errors(ValueError):
        samples = model.sample(count, condition=condition, seed=arguments.seed)
    path = Path(arguments.to) if arguments.to else folder.pictures / "samples.png"
    with user_errors(OSError, about=f"cannot write {path}"):
        write(path, keras.ops.convert_to_numpy(samples))
    progress.written({path: f"{count:,} samples"})


def write(path, samples):
    """Writes samples as an array or as a picture, by the suffix of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, samples, allow_pickle=False)
    else:
        with user_errors(ValueError):
            save_samples(path, samples, pictures.COLUMNS)


def _condition(arguments, config):
    """The labels to draw from, one a sample; None for a model that takes none."""
    if config.get("condition") is None:
        if arguments.condition is not None:
            raise UserError("the model takes no condition; leave out --condition")
        return None
    if arguments.condition is None:
        rows = pictures.class_rows(config["data"]["num_classes"])
        return rows if arguments.num_samples is None else np.resize(rows[:: pictures.COLUMNS], arguments.num_samples)
    count = arguments.num_samples or pictures.COLUMNS * len(arguments.condition)
    return np.resize(np.asarray(arguments.condition, "int32"), count)
