"""Model cards: what a model is, how it was trained, what it reaches and how it is called."""

import json

from keras_dl.tasks.units import scale

FORMATS = {
    "saved_model": "the SavedModel",
    "onnx": "ONNX, one file per signature",
    "litert": "LiteRT, one file with all signatures",
}


def model_card(name, version, about, folder, config, task, signatures, picture, format="saved_model"):
    """Returns the text of a model card.

    Args:
        name: the model's name.
        version: its version.
        about: a sentence about it.
        folder: `RunFolder` with the results.
        config: the run's config.
        task: `keras_dl.tasks.Task`.
        signatures: dict of the `Signature`s that are exported, by name.
        picture: file name of a picture beside the card, or None.
        format: a name in `FORMATS`.
    """
    data = config["data"]
    shape = "x".join(map(str, data["shape"]))
    lines = [f"# {name}", "", about, ""]
    lines += [f"![samples]({picture})", ""] if picture else []
    lines += [f"- Version: {version}", f"- Format: {FORMATS[format]}"]
    left_out = config["fit"].get("anomaly_class")
    without = "" if left_out is None else f", of which training leaves out class {left_out}"
    lines += [f"- Data: {config['dataset']}, {data['num_samples']:,} samples of {shape}{without}"]
    lines += [f"- Command: `{' '.join(config.get('command', ()))}`", f"- Seed: {config['seed']}"]
    lines += ["- " + ", ".join(f"{package} {version}" for package, version in config.get("versions", {}).items())]
    lines += ["- The run's `model.keras` loads after `import keras_dl`, by `keras.saving.load_model`", ""]
    lines += ["## Figures", "", *figures(folder, task.units), "", "## Signatures", "", "| name | inputs |", "|---|---|"]
    lines += [f"| `{key}` | {inputs(signature)} |" for key, signature in signatures.items()]
    lines += task.card(config)
    lines += ["", "## Hyperparameters", "", "```json", json.dumps(config["hyperparameters"], indent=2), "```", ""]
    return "\n".join(lines)


def figures(folder, units=None):
    """The lines of a table of the run's metrics with their units, and of its evaluation if there was one."""
    columns = {}
    results, evaluation = folder.read_results()
    if results is not None:
        columns = {"train": results["train"], "held out": results["test"]}
    if evaluation is not None:
        columns[f"apps.evaluate on {evaluation.pop('dataset')}"] = evaluation
    names = dict.fromkeys(name for column in columns.values() for name in column)
    head = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    cells = {name: [column.get(name, "") for column in columns.values()] for name in names}
    return head + [f"| {_titled(name, units)} | " + " | ".join(map(_shown, row)) + " |" for name, row in cells.items()]


def _titled(name, units):
    """A metric's name with its unit and which of its values are better."""
    about = scale(name, units)
    return f"{name} ({about})" if about else name


def inputs(signature):
    """A signature's inputs with dtypes and shapes, in one line; `?` is the batch."""
    described = []
    for name, spec in signature.inputs.items():
        shape = "x".join(map(_size, spec.shape))
        described.append(f"`{name}`: {spec.dtype.name} {shape or 'scalar'}")
    return ", ".join(described)


def _size(axis):
    return "?" if axis is None else str(axis)


def _shown(value):
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
