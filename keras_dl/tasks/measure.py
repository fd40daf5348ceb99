"""Measures of a model, and what surrounds the measuring: options, folders, and who is told."""

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from keras_dl import metrics

#: Rows per call if a model looks at many samples.
ROWS = 500


def untracked(items: Iterable, title: str) -> Iterable:
    """Goes through items and shows nothing; a program gives a function that shows a bar."""
    return items


def silent(text: str) -> None:
    """Tells nobody; a program gives a function that prints."""


class Measure(NamedTuple):
    """One figure of a model.

    Attributes:
        value: a number; a text for what the other figures rest on, such as the name of features.
        error: its standard error, or None.
        direction: `"max"` or `"min"`, which values are better; None if neither is.
        title: its name in a table; None for its name in files, `""` for a figure that is written and not shown.
        note: a sentence that explains the figures of its kind.
        unit: its unit, such as `"nats"`; shares in `"%"` are shown in percent and written from 0 to 1.
    """

    value: Any
    error: float | None = None
    direction: str | None = None
    title: str | None = None
    note: str = ""
    unit: str = ""

    @property
    def text(self) -> str:
        """The figure as a table shows it."""
        if self.value is None or isinstance(self.value, str):
            return self.value or ""
        values = [self.value] if self.error is None else [self.value, self.error]
        if self.unit == "%":
            return " ± ".join(f"{100 * value:.2f}" for value in values)
        return " ± ".join(f"{value:.4f}" for value in values)


@dataclasses.dataclass
class Context:
    """How a task measures and draws.

    Attributes:
        folder: the folder of the run, for what is kept beside its model (features, masks); None to write nothing.
        options: the recipe's `fit_options`.
        seed: the run's seed.
        num_samples: how many samples or latents a measure draws; None for its own number, 0 to leave it out.
        features: a file of features by which images are compared, or `"inception_v3"`.
        track: function `track(items, title)` that goes through items, and may show how far it is.
        say: function that is told lines of text.
        epoch: how many epochs the model has been trained; None where that is not known.
        results: what one measure or picture has computed and another needs too, by name.
    """

    folder: Path | None = None
    options: dict = dataclasses.field(default_factory=dict)
    seed: int = 0
    num_samples: int | None = None
    features: str | None = None
    track: Any = untracked
    say: Any = silent
    epoch: int | None = None
    results: dict = dataclasses.field(default_factory=dict)


class Report(NamedTuple):
    """What an evaluation has found, ready to be shown and written.

    Attributes:
        measures: dict of `Measure`s by name.
        rows: number of held-out samples, or cases.
        tables: list of `(title, columns)`, a column a dict of texts by row.
        files: dict of what was written: meanings by path.
    """

    measures: dict
    rows: int
    tables: list
    files: dict

    @property
    def notes(self) -> list[str]:
        """The sentences that explain the figures, each once."""
        return list(dict.fromkeys(measure.note for measure in self.measures.values() if measure.note))

    @property
    def scales(self) -> dict[str, tuple]:
        """The unit and the direction of what tables show: pairs by title."""
        return {title_of(name, measure): (measure.unit, measure.direction) for name, measure in self.measures.items()}

    @property
    def results(self) -> dict[str, Any]:
        """The figures as files hold them: a number or text by name, and its standard error."""
        return flat(self.measures)


def flat(measures):
    """Returns the values of measures by name, and their standard errors by name with `_standard_error`."""
    results = {}
    for name, measure in measures.items():
        results[name] = measure.value
        if measure.error is not None:
            results[f"{name}_standard_error"] = measure.error
    return results


def shown(measures):
    """Returns the texts of measures by title, as a column of a table."""
    titles = {name: title_of(name, measure) for name, measure in measures.items()}
    return {titles[name]: measure.text for name, measure in measures.items() if titles[name]}


def title_of(name, measure):
    """Returns what a table calls a measure; `""` for one that it does not show."""
    return name if measure.title is None else measure.title


def of_estimate(estimate, direction=None, title=None, note=""):
    """Returns a `keras_dl.metrics.Estimate` as a `Measure`."""
    value, error = map(float, estimate)
    return Measure(value, None if math.isnan(error) else error, direction, title, note)


def direction(name):
    """Returns which values of a metric are better, `"max"` or `"min"`; None for one of which it is not known."""
    try:
        return metrics.direction(name)
    except ValueError:
        return None
