"""Tables of a page: what was run, its figures with standard errors, and how to go on."""

import shlex
from pathlib import Path

from . import markup
from .markup import element

ERROR = "_standard_error"
STATES = {
    "finished": "This run ended after its last epoch.",
    "interrupted": "This run was interrupted: its training ended before its last epoch, and nothing says why.",
    "running": "This run is still going on.",
    "diverged": "This run diverged",
    "stopped": "This run was stopped",
}


def state(record):
    """Returns how a run ended; anything but a whole one is said loudly."""
    text = STATES.get(record.state, record.state)
    if record.end:
        text = f"{text}: {record.end.get('reason', 'nothing says why')}."
    if record.state != "finished":
        text = f"{text} {record.done} of {record.epochs or '?'} epochs are behind it."
    lines = [element("p", text, class_=None if record.state in ("finished", "stopped") else "alarm")]
    return markup.joined(lines + [element("p", problem, class_="alarm") for problem in record.problems])


def facts(record):
    """Returns the table of what was run."""
    config, data, runtime = record.config, record.part("data"), record.part("runtime")
    processor, seconds = record.part("runtime", "processor"), sum(row.get("seconds", 0.0) for row in record.history)
    shape = data.get("shape")
    classes = f", {data['num_classes']} classes" if data.get("num_classes") else ""
    samples = f", {data['num_samples']:,} samples" if isinstance(data.get("num_samples"), int) else ""
    versions = runtime.get("versions") or config.get("versions") or {}
    rows = {
        "command": element("code", shlex.join(map(str, config.get("command", [])))),
        "recipe": config.get("recipe"),
        "data": f"{config.get('dataset')}{samples} of {'x'.join(map(str, shape))}{classes}" if shape else None,
        "read from": config.get("folder"),
        "seed": config.get("seed"),
        "epochs": f"{record.done} of {record.epochs or '?'}, {seconds:,.0f} s",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()) or None,
        "processor": _processor(processor),
        "devices": ", ".join(map(str, runtime.get("devices", []))) or None,
    }
    lines = [[name, value] for name, value in rows.items() if value is not None]
    return markup.table("what was run", ["", ""], lines, numeric=False)


def _processor(processor):
    if not processor:
        return None
    instructions = ", ".join(map(str, processor.get("instructions", [])))
    return f"{processor.get('kind')}, {processor.get('count')} cores" + (f" ({instructions})" if instructions else "")


def hyperparameters(record):
    """Returns the table of the hyperparameters."""
    values = record.part("hyperparameters")
    rows = [[name, markup.number(value)] for name, value in values.items()]
    return markup.table("hyperparameters", ["name", "value"], rows, numeric=False) if rows else markup.Markup()


def columns(record):
    """Returns the figures of a run: dicts by the names of columns, with `_standard_error` where one is known."""
    named = {"train": record.results.get("train"), "held out": record.results.get("test")}
    evaluation = {name: value for name, value in record.evaluation.items() if name not in ("dataset", "rows")}
    named[f"apps.evaluate, {record.evaluation.get('dataset', '')}"] = evaluation
    return {name: values for name, values in named.items() if isinstance(values, dict) and values}


def figures(caption, named):
    """Returns a table of figures, a row a metric, each with its standard error.

    Args:
        caption: the line above it.
        named: dict from the name of a column to a dict of figures.
    """
    names = dict.fromkeys(name for column in named.values() for name in column if not name.endswith(ERROR))
    rows = [[name, *(figure(column, name) for column in named.values())] for name in names]
    return markup.table(caption, ["metric", *named], rows) if rows else markup.Markup()


def figure(values, name):
    """Returns a figure with its standard error, as text.

    Example:

    >>> figure({"kid": 15.7, "kid_standard_error": 1.2}, "kid")
    '15.7 ± 1.2'
    """
    value, error = values.get(name), values.get(f"{name}{ERROR}")
    is_measured = isinstance(value, (int, float)) and isinstance(error, (int, float))
    return markup.measured(value, error) if is_measured else markup.number(value)


def going_on(record):
    """Returns the commands that go on from a run: resume, evaluate, sample, export, serve."""
    folder, recipe = shlex.quote(str(record.path)), shlex.quote(str(record.config.get("recipe", "RECIPE")))
    name = shlex.quote(f"saved_models/{Path(record.path).resolve().name}")
    more = 2 * record.epochs if record.state == "finished" and record.epochs else None
    resume = f"python -m apps.train {recipe} --out {folder} --resume"
    title = "Train it longer" if more else "Go on from where it stands"
    commands = {
        title: f"{resume} --extend --epochs {more}" if more else resume,
        "Evaluate it on held-out data": f"python -m apps.evaluate {folder}",
        "Draw samples, where it generates": f"python -m apps.sample {folder}",
        "Export it in TF Serving's layout": f"python -m apps.export {folder} --to {name}",
        "Serve what is exported": "docker compose --file saved_models/compose.yaml up",
        "Write this page again": f"python -m apps.report {folder}",
    }
    parts = []
    for title, command in commands.items():
        parts += [element("p", title), element("pre", element("code", command), tabindex="0")]
    return parts
