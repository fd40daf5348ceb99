"""Records of a run folder as files: JSON and tables of numbers, checked as they are read."""

import csv
import json
import math

from keras_dl.checks import refusal
from keras_dl.data.segmentation import Plan

#: What a config holds at least: the kind of each value, and for the data what is asked of it later.
CONFIG = {"recipe": str, "dataset": str, "data": dict, "seed": int, "hyperparameters": dict, "fit": dict}
#: What it may hold beside that.
OPTIONAL = {"folder": str, "reading": dict, "features": str, "versions": dict, "runtime": dict, "phases": list}
DATA = {"shape": list, "num_samples": int}
#: What results and evaluations hold at least.
RESULTS = {"train": dict, "test": dict}
EVALUATION = {"dataset": str}


def read_config(path):
    """Reads a config.

    Raises:
        ValueError: If it cannot be read, or lacks something.
    """
    config = read_json(path, CONFIG)
    try:
        check_fields(config["data"], DATA)
        present = [name for name in OPTIONAL if config.get(name) is not None]
        check_fields(config, {name: OPTIONAL[name] for name in present})
        if "plan" in config["fit"]:  # of a segmenter
            check_fields(config["fit"], {"plan": dict, "mirroring": bool})
            check_fields(config["data"], {"label_values": list})
            Plan.from_dict(config["fit"]["plan"])
    except ValueError as error:
        raise unreadable(path, error) from error
    return config


def read_json(path, kinds):
    """Reads a JSON file that holds names with values.

    Args:
        path: `pathlib.Path` of the file.
        kinds: Dict from the names that it should hold at least to the classes of their values.

    Raises:
        ValueError: If it cannot be read, or lacks something; the message names the file.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        check_fields(record, kinds)
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(path, error) from error
    return record


def read_table(path):
    """Reads a CSV file of numbers with a column `epoch`, a dict per row, without what is NaN: what an epoch lacks.

    Raises:
        ValueError: If it cannot be read; the message names the file.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [{name: float(value) for name, value in row.items()} for row in reader]
        rows = [{name: value for name, value in row.items() if not math.isnan(value)} for row in rows]
        if not reader.fieldnames:
            raise ValueError("it is empty")
        for row in rows:
            check_fields(row, {"epoch": float})
        return [row | {"epoch": int(row["epoch"])} for row in rows]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise unreadable(path, error) from error


def is_json(path, content):
    """Returns whether a file holds a content already."""
    try:
        return json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(content))
    except (OSError, ValueError, RecursionError):
        return False


def check_fields(record, kinds):
    """Refuses a dict that lacks some of the keys, or has values of other kinds under them."""
    if not isinstance(record, dict):
        raise ValueError(f"it should hold names with values, and holds {record!r}")
    missing = sorted(kinds.keys() - record.keys())
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    for name, kind in kinds.items():
        if not isinstance(record[name], kind):
            raise ValueError(f"{name} should be of type {kind.__name__}, and is {record[name]!r}")


def unreadable(path, reason):
    """The refusal of a file that cannot be read, which names it."""
    return refusal(f"{path} cannot be read: {reason}", path)
