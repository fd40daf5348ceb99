"""What `apps.evaluate` does once TensorFlow is there."""

import math

import keras
import numpy as np

from apps import progress
from apps.cli import UserError, user_errors
from apps.data import Data
from apps.run_folder import RunFolder

ROWS = 500


def evaluate(arguments):
    """Evaluates a run's model on held-out data."""
    folder = RunFolder(arguments.folder)
    config = folder.read_config()
    model = folder.load_model()
    data = Data.load(arguments.dataset or config["dataset"], config.get("condition")).limited(arguments.limit)
    shape, expected = list(data.spec.shape), config["data"]["shape"]
    if shape != expected:
        raise UserError(f"the model takes samples of shape {expected}; those of {data.name} have {shape}")
    held_out = data.pipelines(config["fit"], config["seed"])[1]
    with user_errors(ValueError):
        metrics = model.evaluate(held_out, verbose=0, return_dict=True)
        results = {name: float(value) for name, value in metrics.items()}
        shown = dict(results)
        if arguments.num_samples and hasattr(model, "log_prob"):
            found = log_prob(model, data, held_out, arguments.num_samples)
            results |= {"log_prob": found[0], "log_prob_standard_error": found[1], "num_samples": arguments.num_samples}
            density = "log p(x | y)" if data.conditional else "log p(x)"
            shown[f"{density}, {arguments.num_samples} samples"] = "{:.4f} ± {:.4f}".format(*found)
    progress.results_table(f"{folder.path} on {data.name}, {len(data.x_test):,} held-out samples", {"held out": shown})
    progress.console.print("nats a sample; ± is one standard error over the samples")
    folder.write_evaluation({"dataset": data.name, "rows": len(data.x_test), **results})
    progress.written({folder.evaluation_file: "these figures"})


def log_prob(model, data, held_out, num_samples):
    """Returns the mean of log p(x) over the held-out data, in nats, and its standard error."""
    values = []
    for batch in held_out.rebatch(ROWS):
        x, condition = data.split(batch)
        values.append(keras.ops.convert_to_numpy(model.log_prob(x, condition=condition, num_samples=num_samples)))
    values = np.concatenate(values).astype("float64")
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))
