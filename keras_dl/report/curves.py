"""Curves of metrics over the epochs, for BokehJS, whose script lies in the page."""

import importlib.util
from pathlib import Path

from . import markup
from .markup import element

#: What draws the curves, of the `bokeh` package; its Python is not used.
SCRIPTS = ("bokeh.min.js", "bokeh-api.min.js")
MISSING = "The curves answer to the pointer once bokeh is installed (the extra `report`) and the report written again."
NO_METRICS = ("epoch", "seconds", "phase")


def library():
    """Returns BokehJS as markup; empty if the `bokeh` package is not installed."""
    spec = importlib.util.find_spec("bokeh")
    folder = Path(spec.origin).parent / "server" / "static" / "js" if spec and spec.origin else None
    if folder is None or not all((folder / name).is_file() for name in SCRIPTS):
        return markup.Markup()
    return markup.joined(markup.script((folder / name).read_text(encoding="utf-8")) for name in SCRIPTS)


def of_histories(histories):
    """Returns charts, one a metric, in which training and held-out values of all runs lie over one another.

    Args:
        histories: dict from the name of a run to its rows.
    """
    names = {}
    for rows in histories.values():
        for row in rows:
            names |= dict.fromkeys(name.removeprefix("val_") for name in row if name not in NO_METRICS)
    charts = []
    for name in sorted(names, key=lambda name: name != "loss"):
        series = []
        for number, (run, rows) in enumerate(histories.items()):
            for key, what in ((name, "train"), (f"val_{name}", "held out")):
                points = [(row["epoch"], row[key]) for row in rows if key in row]
                if points:
                    x, y = map(list, zip(*points, strict=True))
                    several = len(histories) > 1
                    title = f"{run}, {what}" if several else what
                    colour, dashed = (number, key == name) if several else (int(key != name), False)
                    series.append({"name": title, "x": x, "y": y, "colour": colour, "dashed": dashed})
        begins = phase_begins(next(iter(histories.values()))) if len(histories) == 1 else []
        charts.append({"title": name, "unit": name, "series": series, "phases": begins})
    return charts


def phase_begins(rows):
    """Returns where phases begin, pairs of a place between two epochs and the number of the phase.

    Example:

    >>> phase_begins([{"epoch": 1, "phase": 1.0}, {"epoch": 2, "phase": 1.0}, {"epoch": 3, "phase": 2.0}])
    [(2.5, 2)]
    """
    numbers = [(row["epoch"], int(row["phase"])) for row in rows if "phase" in row]
    pairs = zip(numbers, numbers[1:], strict=False)
    return [(epoch - 0.5, number) for (_, before), (epoch, number) in pairs if number != before]


def phases_in_words(begins, names=()):
    """Returns the sentence that says what the lines between phases are; empty where there are none.

    Args:
        begins: what `phase_begins` returned.
        names: the names of all phases, in order.

    Example:

    >>> phases_in_words([(2.5, 2)], ["pretraining", "game"])
    'Dotted lines: where phases begin; 2 is game.'
    """
    if not begins:
        return ""
    named = [f"{number} is {names[number - 1]}" for _, number in begins if number <= len(names)]
    return "; ".join(["Dotted lines: where phases begin", *([", ".join(named)] if named else [])]) + "."


def drawn(charts, interactive=True, phases=()):
    """Returns the places of charts and their data, with a box for the log scale; sentences if nothing can be drawn.

    Args:
        charts: what `of_histories` returned.
        interactive: whether there is a library that draws them.
        phases: names of the phases of the run.
    """
    if not charts:
        return element("p", "There are no curves: no epoch is behind this run.", class_="note")
    places = []
    for number, chart in enumerate(charts if interactive else []):
        name = f"chart-{number}"
        box = element("input", type="checkbox", id=f"{name}-log", data_log=name)
        head = [element("h3", chart["title"]), element("label", box, " log scale", for_=f"{name}-log")]
        place = element("div", id=name, class_="chart", data_chart=number, role="group", aria_label=described(chart))
        places.append(element("div", *head, place))
    note = "Drag to move, the wheel or the box to zoom, the legend to hide a curve; all values are in the table."
    note = f"{note} {phases_in_words(charts[0]['phases'], phases)}".rstrip()
    texts = [element("p", note if interactive else MISSING, class_="note"), element("div", *places, class_="charts")]
    return markup.joined([*texts, markup.data("curve-data", charts)])


def described(chart):
    """Returns a chart in words: where each curve begins and ends."""
    parts = []
    for series in chart["series"]:
        first, last = markup.number(series["y"][0]), markup.number(series["y"][-1])
        parts.append(f"{series['name']} from {first} to {last}")
    return f"{chart['title']} over the epochs: {'; '.join(parts)}"


def values(histories):
    """Returns the tables of all values, folded up."""
    tables = []
    for run, rows in histories.items():
        names = list(dict.fromkeys(name for row in rows for name in row))
        lines = [[markup.number(row.get(name)) for name in names] for row in rows]
        if lines:
            tables.append(markup.table(f"metrics after every epoch: {run}", names, lines))
    return markup.details("all values of the curves as a table", *tables) if tables else markup.Markup()
