"""Tables of a page: what was run, its figures with standard errors, and how to go on."""

import shlex
from pathlib import Path

from . import markup
from .markup import element

ERROR = "_standard_error"
STATES = {
    "finished": "This run ended after its last epoch.",
    "interrupted": "This run was interrupted: its process ended before the last epoch, killed or with its machine.",
    "running": "This run is still going on.",
    "diverged": "This run diverged",
    "stopped": "This run was stopped",
}
#: What can be done about a run that ended so.
ADVICE = {
    "interrupted": "What an epoch had not ended is lost, and no more: the first command of How to go on takes it up.",
    "diverged": "Smaller steps help most often; values of the data that are NaN or far from 1 make a run diverge, too.",
}


def state(record):
    """Returns how a run ended; anything but a whole one is said loudly."""
    text = STATES.get(record.state, record.state)
    if record.end:
        text = f"{text}: {record.end.get('reason', 'nothing says why')}."
    if record.state != "finished":
        text = f"{text} {record.done} of {record.epochs or '?'} epochs are behind it."
    lines = [element("p", text, class_=None if record.state in ("finished", "stopped") else "alarm")]
    if record.state in ADVICE:
        lines.append(element("p", ADVICE[record.state]))
    return markup.joined(lines + [element("p", problem, class_="alarm") for problem in record.problems])


def facts(record):
    """Returns the table of what was run."""
    config, data, runtime = record.config, record.part("data"), record.part("runtime")
    processor, seconds = record.part("runtime", "processor"), sum(row.get("seconds", 0.0) for row in record.history)
    shape = data.get("shape")
    classes = f", {data['num_classes']} classes" if data.get("num_classes") else ""
    left_out = record.part("fit").get("anomaly_class")
    classes += "" if left_out is None else f", of which training leaves out class {left_out}"
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
    folder, name = shlex.quote(str(record.path)), shlex.quote(f"saved_models/{Path(record.path).resolve().name}")
    commands = _training(record)
    if (record.path / "model.keras").is_file():
        commands |= {
            "Evaluate it on held-out data": f"python -m apps.evaluate {folder}",
            "Draw samples, where it generates": f"python -m apps.sample {folder}",
            "See it in the browser": f"python -m apps.explore {folder} --open",
            "Export it in TF Serving's layout": f"python -m apps.export {folder} --to {name}",
            "Serve what is exported": "docker compose --file saved_models/compose.yaml up",
        }
    commands["Write this page again"] = f"python -m apps.report {folder}"
    parts = []
    for title, command in commands.items():
        parts += [element("p", title), element("pre", element("code", command), tabindex="0")]
    return parts


def _training(record):
    """The command that trains on, by its title; of a run that diverged, one that begins again with smaller steps."""
    if record.state == "diverged":
        return {"Begin again, with smaller steps": shlex.join(_smaller_steps(record))}
    recipe = shlex.quote(str(record.config.get("recipe", "RECIPE")))
    resume = f"python -m apps.train {recipe} --out {shlex.quote(str(record.path))} --resume"
    if record.state == "finished" and record.epochs:
        return {"Train it longer": f"{resume} --extend --epochs {2 * record.epochs}"}
    return {"Go on from where it stands": resume}


def _smaller_steps(record):
    """A run's command with other steps, a tenth of its own, and another folder."""
    words = list(map(str, record.config.get("command", [])))
    rates = {name: value for name, value in record.part("hyperparameters").items() if name.endswith("learning_rate")}
    rates = {name: value for name, value in rates.items() if isinstance(value, float)}
    command, place = [], 0
    while place < len(words):
        option = words[place : place + 2]
        replaced = option[0] == "--out" or (option[0] == "--set" and option[-1].partition("=")[0] in rates)
        place += 2 if replaced else 1
        command += [] if replaced or option[0] == "--resume" else option[:1]
    for name, value in rates.items():
        command += ["--set", f"{name}={value / 10:g}"]
    return [*command, "--out", f"{record.path}-smaller-steps"]
