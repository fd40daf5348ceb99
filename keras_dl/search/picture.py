"""Pictures of searches: trials as lines through their hyperparameters (parallel coordinates)."""

import math
from typing import NamedTuple

import numpy as np

from keras_dl.callbacks.sheets import save_figure
from keras_dl.tasks.drawing import pyplot

ABSENT = -0.13  # where lines pass an axis that a trial has no value on, and where failed trials end
SPREAD = 0.07  # between the outermost lines through one choice
FEW = 6  # whole numbers up to which each has its tick


class Axis(NamedTuple):
    """An upright axis.

    Attributes:
        title: the text above it.
        place: function from a value to its height, from 0 to 1.
        ticks: list of `(height, text)`.
        spread: whether lines through one value are drawn beside one another.
    """

    title: str
    place: object
    ticks: list
    spread: bool = False


def draw(path, space, rows, objective, names):
    """Draws the trials.

    Args:
        path: where the PNG goes.
        space: `keras_tuner.HyperParameters`.
        rows: the trials, dicts with `trial`, `status`, the objective's value and `hyperparameters`, the best first.
        objective: `keras_tuner.Objective`.
        names: the hyperparameters to draw, those that a trial had.
    """
    plt = pyplot()
    hyperparameters = {name for row in rows for name in row["hyperparameters"]}
    parameters = [p for p in space.space if p.name in names and p.name in hyperparameters]
    axes = [axis(parameter) for parameter in parameters]
    ended = [row[objective.name] for row in rows if row["status"] == "completed"]
    last = result_axis(objective, ended)
    figure, panel = plt.subplots(figsize=(2.5 + 1.15 * (len(axes) + 1), 5.5), layout="constrained")
    for row in reversed(rows):  # the best on top
        heights = [_height(one, p.name, row, rows) for one, p in zip(axes, parameters, strict=True)]
        _line(panel, plt, heights, row, objective, last, best=row is rows[0])
    _decorate(panel, [*axes, last], failed=len(ended) < len(rows))
    colours = plt.cm.ScalarMappable(plt.Normalize(0, 1), _colours(plt))
    bar = figure.colorbar(colours, ax=panel, ticks=[height for height, _ in last.ticks], pad=0.02, aspect=35)
    bar.ax.set_yticklabels([text for _, text in last.ticks])
    bar.set_label(objective.name)
    panel.set_title(f"{len(rows)} trials, {len(rows) - len(ended)} failed; the best is trial {rows[0]['trial']}")
    save_figure(path, figure, dpi=120)
    plt.close(figure)


def axis(parameter):
    """The axis of a hyperparameter: even steps for choices, logarithmic if it is sampled so, else linear."""
    if not hasattr(parameter, "min_value"):
        values = sorted(parameter.values) if isinstance(parameter.default, bool) else list(parameter.values)
        heights = {value: (index + 0.5) / len(values) for index, value in enumerate(values)}
        ticks = [(height, str(value)) for value, height in heights.items()]
        return Axis(parameter.name, heights.__getitem__, ticks, spread=True)
    low, high = parameter.min_value, parameter.max_value
    if parameter.sampling == "log":
        place = _scale(math.log(low), math.log(high))
        return Axis(f"{parameter.name} (log)", lambda value: place(math.log(value)), _log_ticks(low, high))
    few = isinstance(low, int) and high - low <= FEW
    return Axis(parameter.name, _scale(low, high), _linear_ticks(low, high, high - low + 1 if few else 5), spread=few)


def result_axis(objective, values):
    """The axis of the results, better ones higher; results far worse than most lie at its foot."""
    values = np.asarray(values if len(values) else [0.0])
    sign = 1.0 if objective.direction == "max" else -1.0
    best, middle, worst = sign * np.max(sign * values), np.median(values), sign * np.min(sign * values)
    foot = middle - sign * 3 * abs(best - middle)
    cut = sign * worst < sign * foot
    foot = foot if cut else worst
    if foot == best:
        foot = best - sign * max(abs(best), 1e-9)
    place = _scale(foot, best)
    ticks = [(height, _text(foot + height * (best - foot))) for height in (0.0, 0.25, 0.5, 0.75, 1.0)]
    if cut:
        ticks[0] = (0.0, f"{ticks[0][1]} or worse")
    better = "larger" if sign > 0 else "smaller"
    return Axis(f"{objective.name}\n({better} is better)", lambda value: min(max(place(value), 0.0), 1.0), ticks)


def _scale(low, high):
    """A function that takes `low` to 0 and `high` to 1."""
    return lambda value: (value - low) / (high - low) if high != low else 0.5


def _linear_ticks(low, high, count):
    place, values = _scale(low, high), np.linspace(low, high, count)
    values = np.unique(np.rint(values)) if isinstance(low, int) else values
    return [(place(value), _text(value)) for value in values]


def _text(value):
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def _log_ticks(low, high):
    """Powers of ten if there are some, else 1, 2, 5 times them; and both ends."""
    place = _scale(math.log(low), math.log(high))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1,) if math.log10(high / low) >= 3 else (1, 2, 5)
    inner = [digit * 10.0**power for power in powers for digit in digits]
    heights = {value: place(math.log(value)) for value in inner}
    between = [value for value, height in heights.items() if 0.06 < height < 0.94]
    return [(place(math.log(value)), f"{value:.4g}") for value in (low, *between, high)]


def _height(one, name, row, rows):
    """Where a trial's line crosses an axis: at its value, lines through one choice side by side around it."""
    if name not in row["hyperparameters"]:
        return ABSENT
    value = row["hyperparameters"][name]
    if not one.spread:
        return one.place(value)
    alike = sorted(other["trial"] for other in rows if other["hyperparameters"].get(name) == value)
    return one.place(value) + SPREAD * ((alike.index(row["trial"]) + 0.5) / len(alike) - 0.5)


def _line(panel, plt, heights, row, objective, last, best):
    end = len(heights)
    if row["status"] != "completed":
        panel.plot(range(end + 1), [*heights, ABSENT], color="tab:red", linestyle=":", linewidth=1.2, zorder=1)
        panel.plot(end, ABSENT, "x", color="tab:red", markersize=9, markeredgewidth=2, zorder=6)
        return
    height = last.place(row[objective.name])
    line = (range(end + 1), [*heights, height])
    if best:
        panel.plot(*line, color="black", linewidth=5, zorder=4)
        panel.annotate(f"  trial {row['trial']}", (end, height), va="center", fontweight="bold", zorder=7)
    colour = _colours(plt)(height)
    panel.plot(*line, color=colour, linewidth=3 if best else 1.6, alpha=1 if best else 0.75, zorder=5 if best else 2)


def _colours(plt):
    """From yellow, which is left out where white would swallow it, to dark blue for the best."""
    return plt.matplotlib.colors.ListedColormap(plt.cm.viridis_r(np.linspace(0.08, 1, 256)))


def _decorate(panel, axes, failed):
    """Draws the axes, with their ticks on a ground that keeps them legible over lines."""
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
    for place, one in enumerate(axes):
        panel.plot([place, place], [0, 1], color="0.3", linewidth=1, zorder=3)
        for height, text in one.ticks:
            panel.plot([place - 0.03, place], [height, height], color="0.3", linewidth=1, zorder=3)
            panel.text(place - 0.05, height, text, ha="right", va="center", fontsize=9, bbox=ground, zorder=6)
        panel.text(place, 1.05, one.title, ha="left", va="bottom", rotation=25, fontsize=10)
    panel.text(-0.1, ABSENT, "not asked for", ha="right", va="center", fontsize=9, color="0.4")
    panel.plot([0, len(axes) - 1], [ABSENT, ABSENT], color="0.85", linewidth=1, zorder=0)
    if failed:
        panel.text(len(axes) - 0.93, ABSENT, "failed", ha="left", va="center", fontsize=9, color="tab:red")
    panel.set(xlim=(-0.9, len(axes) - 0.3), ylim=(ABSENT - 0.06, 1.35))
    panel.axis("off")
