"""What `apps.export` does once TensorFlow is there."""

import json
import shutil
import warnings
from pathlib import Path

import keras_dl
from apps import catalogue, progress
from apps.cli import user_errors
from apps.run_folder import RunFolder

PICTURES = ("classes.png", "samples_epoch_*.png", "reconstruction.png", "overlays.png")
FORMATS = {
    "saved_model": "the SavedModel",
    "onnx": "ONNX, a file a signature",
    "litert": "LiteRT, one file with all signatures",
}


def export(folder, to=None, version=None, format="saved_model"):
    """Writes a run's model as a new version, with a model card and, for servers, the folder's `models.config`.

    Args:
        folder: the run folder's path.
        to: the model's folder, or None for one of `saved_models/`.
        version: integer, or None for the next one.
        format: a name in `FORMATS`.
    """
    folder = RunFolder(folder)
    config = folder.read_config()
    model = folder.load_model()
    name = f"{config['recipe']}_{config['dataset']}" + ("" if format == "saved_model" else f"_{format}")
    target = Path(to or f"saved_models/{name}")
    with user_errors(ValueError, OSError, ImportError, about=f"cannot export to {target}"):
        version = version or 1 + max(versions(target), default=0)
        written = write(model, target, version, format)
        picture = copy_picture(folder, target)
        card = target / "README.md"
        text = model_card(target.name, version, folder, config, signatures(model, format), picture, format)
        card.write_text(text, encoding="utf-8")
    paths = {written: FORMATS[format], card: "the model card"}
    if format == "saved_model":
        models = target.parent / "models.config"
        models.write_text(models_config(target.parent), encoding="utf-8")
        paths[models] = "tensorflow_model_server --model_config_file"
    progress.written(paths)


def write(model, target, version, format):
    """Exports the model; warnings become lines for the user."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        written = keras_dl.runtime.export(model, target, version, format=format)
    for warning in caught:
        if "warm-up" in str(warning.message):
            progress.console.print(f"note: {warning.message}", markup=False)
        else:
            warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)
    return Path(written)


def signatures(model, format):
    """The signatures that a format holds, by name."""
    found = model.signatures()
    if format == "saved_model":
        return found
    return {name: found[name] for name in keras_dl.runtime.formats.signatures_without_noise(model)}


def versions(folder):
    """The versions of a model that are there, integers."""
    return [int(path.name) for path in folder.glob("*") if path.is_dir() and path.name.isdecimal()]


def models_config(folder):
    """The text of TF Serving's model list for every SavedModel in a folder; it expects the folder as `/models`."""
    names = sorted({path.parents[1].name for path in folder.glob("*/*/saved_model.pb") if path.parent.name.isdecimal()})
    entry = '  config {{\n    name: "{0}"\n    base_path: "/models/{0}"\n    model_platform: "tensorflow"\n  }}\n'
    return "model_config_list {\n" + "".join(entry.format(name) for name in names) + "}\n"


def copy_picture(folder, target):
    """Copies the run's last picture of samples; returns its name, or None where there is none."""
    for pattern in PICTURES:
        found = sorted(folder.pictures.glob(pattern))
        if found:
            shutil.copyfile(found[-1], target / "samples.png")
            return "samples.png"
    return None


def model_card(name, version, folder, config, signatures, picture, format="saved_model"):
    """The text of a model card: what the model is, how it was made, what it reaches and how it is called."""
    about = catalogue.docstring(config["recipe"]).splitlines()[0]
    data = config["data"]
    shape = "x".join(map(str, data["shape"]))
    lines = [f"# {name}", "", about, ""]
    lines += [f"![samples]({picture})", ""] if picture else []
    lines += [f"- Version: {version}", f"- Format: {FORMATS[format]}"]
    lines += [f"- Data: {config['dataset']}, {data['num_samples']:,} samples of {shape}"]
    lines += [f"- Command: `{' '.join(config['command'])}`", f"- Seed: {config['seed']}"]
    lines += ["- " + ", ".join(f"{package} {version}" for package, version in config["versions"].items()), ""]
    lines += ["## Figures", "", *figures(folder), "", "## Signatures", "", "| name | inputs |", "|---|---|"]
    lines += [f"| `{key}` | {inputs(signature)} |" for key, signature in signatures.items()]
    lines += scans(config)
    lines += ["", "## Hyperparameters", "", "```json", json.dumps(config["hyperparameters"], indent=2), "```", ""]
    return "\n".join(lines)


def scans(config):
    """The lines of a segmenter's card that say how images are prepared for it, and what its classes are."""
    if "plan" not in config["fit"]:
        return []
    values = ", ".join(map(str, config["data"]["label_values"]))
    about = "Patches are cut from images that `keras_dl.data.segmentation.prepare` has prepared by this plan"
    about += f"; `predict` returns logits of the classes, which are the values {values} of the masks."
    return ["", "## Plan", "", about, "", "```json", json.dumps(config["fit"]["plan"], indent=2), "```"]


def figures(folder):
    """The lines of a table of the run's metrics, and of its evaluation where there was one."""
    columns = {}
    if folder.results_file.is_file():
        results = json.loads(folder.results_file.read_text(encoding="utf-8"))
        columns = {"train": results["train"], "held out": results["test"]}
    if folder.evaluation_file.is_file():
        found = json.loads(folder.evaluation_file.read_text(encoding="utf-8"))
        title = f"apps.evaluate on {found.pop('dataset')}"
        columns[title] = found
    names = dict.fromkeys(name for column in columns.values() for name in column)
    head = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    cells = {name: [column.get(name, "") for column in columns.values()] for name in names}
    return head + [f"| {n} | " + " | ".join(map(_shown, row)) + " |" for n, row in cells.items()]


def _shown(value):
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def inputs(signature):
    """A signature's inputs with dtypes and shapes, in one line; `?` is the batch."""
    described = []
    for name, spec in signature.inputs.items():
        shape = "x".join("?" if axis is None else str(axis) for axis in spec.shape)
        described.append(f"`{name}`: {spec.dtype.name} {shape or 'scalar'}")
    return ", ".join(described)
