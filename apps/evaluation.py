"""What `apps.evaluate` does once TensorFlow is there."""

import math

import keras
import numpy as np

from apps import anomalies, asked, progress, sample_quality, segmenting
from apps.cli import UserError, user_errors
from apps.data import Data
from apps.run_folder import RunFolder
from apps.scans import check_fits, check_same, trained_on
from keras_dl import metrics

ROWS = 500
LATENTS = 100
NEIGHBOURS = 5


def evaluate(arguments):
    """Evaluates a run's model on held-out data."""
    folder = RunFolder(arguments.folder)
    config = folder.read_config()
    model = folder.load_model()
    if config.get("condition") == "masks":
        return _evaluate_scans(folder, config, model, arguments)
    if arguments.data:
        raise UserError(f"--data is for segmenters; {folder.path} holds a run of {config['recipe']}")
    data = Data.load(arguments.dataset or config["dataset"], config.get("condition")).limited(arguments.limit)
    shape, expected = list(data.spec.shape), config["data"]["shape"]
    if shape != expected:
        raise UserError(f"the model takes samples of shape {expected}; those of {data.name} have {shape}")
    held_out = data.pipelines(config["fit"], config["seed"])[1]
    with user_errors(ValueError):
        losses = model.evaluate(held_out, verbose=0, return_dict=True)
        results = {name: float(value) for name, value in losses.items()}
        found, shown, note = _further(model, data, held_out, folder, arguments)
        found, shown = _anomalies(model, data, config["fit"].get("anomaly_class"), found, shown)
    title = f"{folder.path} on {data.name}, {len(data.x_test):,} held-out samples"
    progress.results_table(title, {"held out": results | shown})
    progress.console.print(note)
    folder.write_evaluation({"dataset": data.name, "rows": len(data.x_test), **results, **found})
    progress.written({folder.evaluation_file: "these figures"})
    return None


def _evaluate_scans(folder, config, model, arguments):
    """Segments scans whole: those that the run held out, or all of other data."""
    name = asked.dataset_name(arguments)
    folder_of_scans, values = arguments.data if name else config.get("folder"), config["data"]["label_values"]
    data = Data.load(name or config["dataset"], "masks", folder_of_scans, values)
    check_fits(data, config, folder.path)
    if not name:
        check_same(data, config, folder.path)
    cases = data.cases if name else data.held_out(config["fit"])
    cases = cases.select(cases.names[: arguments.limit])
    seen = trained_on(config).intersection(cases.names) if _is_own(name, arguments, config) else ()
    kind = f"cases of {data.name}" if name else "held-out cases"
    kind += f" ({len(seen)} of them the model was trained on)" if seen else ""
    found, drawn = segmenting.compare(folder, [model], config, cases, kind)
    folder.write_evaluation({"dataset": data.name, "rows": len(cases), **found})
    progress.written({folder.evaluation_file: "these figures", **drawn})


def _is_own(name, arguments, config):
    """Whether the data that are asked for are those that the run was made of."""
    return name == config["dataset"] and asked.data_folder(arguments) == config.get("folder")


def _further(model, data, held_out, folder, arguments):
    """What the model's losses do not say: how likely the data are, or how good samples; written, shown, explained."""
    note = "nats a sample; ± is one standard error over the samples"
    count = arguments.num_samples
    if count != 0 and hasattr(model, "log_prob"):
        count = count or LATENTS
        value, error = log_prob(model, data, held_out, count)
        name = "log p(x | y)" if data.conditional else "log p(x)"
        found = {"log_prob": value, "log_prob_standard_error": error, "num_samples": count}
        return found, {f"{name}, {count} samples": f"{value:.4f} ± {error:.4f}"}, note
    if count != 0 and hasattr(model, "sample"):
        found, shown = sample_quality.sample_quality(model, data, folder, arguments)
        return found, shown, f"{found['num_samples']:,} samples beside the held-out ones; ± is one standard error"
    if hasattr(model, "embed"):
        value, error = nearest_neighbours(model, data)
        found = {"knn_accuracy": value, "knn_accuracy_standard_error": error}
        note = f"{NEIGHBOURS} nearest training images vote; ± is one standard error over the held-out ones"
        return found, {f"accuracy of {NEIGHBOURS} nearest": f"{value:.4f} ± {error:.4f}"}, note
    return {}, {}, note if hasattr(model, "log_prob") else ""


def _anomalies(model, data, label, found, shown):
    """The same with how well a class that the model has not seen is told from the others, where there is one."""
    if label is None or "log_prob" not in found:
        return found, shown
    found, shown = dict(found), dict(shown)
    for name, (value, error) in anomalies.areas(model, data.x_test, data.y_test == label, found["num_samples"]).items():
        found |= {f"roc_auc_{name}": float(value), f"roc_auc_{name}_standard_error": float(error)}
        shown[f"ROC-AUC of class {label} by {name}"] = f"{value:.4f} ± {error:.4f}"
    return found, shown


def nearest_neighbours(model, data):
    """Returns how often most of the nearest training images have a held-out image's class, and the standard error."""
    embedded = [
        np.concatenate([keras.ops.convert_to_numpy(model.embed(x[i : i + ROWS])) for i in range(0, len(x), ROWS)])
        for x in (data.x, data.x_test)
    ]
    return tuple(map(float, metrics.knn_accuracy(embedded[0], data.y, embedded[1], data.y_test, NEIGHBOURS)))


def log_prob(model, data, held_out, num_samples):
    """Returns the mean of log p(x) over the held-out data, in nats, and its standard error."""
    values = []
    for batch in held_out.rebatch(ROWS):
        x, condition = data.split(batch)
        values.append(keras.ops.convert_to_numpy(model.log_prob(x, condition=condition, num_samples=num_samples)))
    values = np.concatenate(values).astype("float64")
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))
