"""Pages: the report of one run, or of several beside one another."""

import os
from collections.abc import Sequence

from . import card, curves, markup, model, pictures, tables
from .markup import Markup, element, section
from .records import Record
from .script import SCRIPT
from .style import STYLE

#: The page asks nothing of any network, and runs and shows only what lies in it.
POLICY = "default-src 'none'; img-src data: blob: 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(
    records: Sequence[Record],
    title: str | None = None,
    first: Sequence[str] = (),
    beside: str | os.PathLike | None = None,
) -> str:
    """Returns the report of runs as one HTML page that needs nothing else.

    Args:
        records: `Record`s of the runs, at least one.
        title: the page's title; None for what was run.
        first: sections that come before all others.
        beside: the folder of the page, which links to files begin from; None for the run's.
    """
    library = curves.library()
    if len(records) == 1:
        title, sections = title or records[0].title, single(records[0], bool(library), beside)
    else:
        title, sections = title or f"{len(records)} runs", several(records, bool(library))
    return document(title, [*first, *sections], library)


def single(record, interactive=True, beside=None):
    """Returns the sections of one run; `beside` is the folder of the page, if that is not the run's."""
    histories = {record.title: record.history} if record.history else {}
    charts = curves.of_histories(histories)
    figures = tables.figures("figures, with standard errors where they are known", tables.columns(record))
    phases = record.config.get("phases")
    phases = [str(name) for name in phases] if isinstance(phases, list) else []
    values = markup.details("hyperparameters", tables.hyperparameters(record))
    return [
        section("run", "The run", tables.state(record), tables.facts(record), pictures.glance(record), values),
        section("curves", "Curves", curves.drawn(charts, interactive, phases), curves.values(histories)),
        section("figures", "Figures", figures),
        section("pictures", "Pictures", *pictures.section(record, beside=beside)),
        section("model", "The model", *model.section(record)),
        section("card", "The card", card.shown(record.card)),
        section("next", "How to go on", *tables.going_on(record)),
    ]


def several(records, interactive=True):
    """Returns the sections of runs beside one another."""
    named = names(records)
    histories = {name: record.history for name, record in named.items()}
    charts = curves.of_histories(histories)
    states = [element("div", element("h3", name), tables.state(record)) for name, record in named.items()]
    budget = pictures.BUDGET // len(records)
    shown = []
    for name, record in named.items():
        shown += [element("h3", name), *last_pictures(record, budget)]
    return [
        section("run", "The runs", *states, facts(named)),
        section("differences", "Differences", differences(named)),
        section("curves", "Curves", curves.drawn(charts, interactive), curves.values(histories)),
        section("figures", "Figures", *figures(named)),
        section("pictures", "Pictures", *shown),
    ]


def names(records):
    """Returns the runs by names that tell them apart: their folders', as long as need be."""
    parts = [record.path.resolve().parts for record in records]
    length = 1
    while len({part[-length:] for part in parts}) < len(set(parts)):
        length += 1
    return {"/".join(part[-length:]): record for part, record in zip(parts, records, strict=True)}


def facts(named):
    rows = []
    for name, record in named.items():
        seconds = sum(row.get("seconds", 0.0) for row in record.history)
        cells = record.title, record.config.get("seed"), f"{record.done} of {record.epochs or '?'}", f"{seconds:,.0f}"
        rows.append([name, *map(str, cells)])
    return markup.table("what was run", ["run", "system", "seed", "epochs", "seconds"], rows, numeric=False)


def differences(named):
    """Returns the table of the hyperparameters that are not the same in all runs."""
    values = [record.part("hyperparameters") for record in named.values()]
    keys = dict.fromkeys(key for one in values for key in one)
    rows = []
    for key in keys:
        cells = [markup.number(one[key]) if key in one else "-" for one in values]
        if len(set(cells)) > 1:
            rows.append([key, *cells])
    if not rows:
        return element("p", "All hyperparameters are the same.", class_="note")
    return markup.table("hyperparameters that differ", ["name", *named], rows, numeric=False)


def figures(named):
    """Returns a table of figures for each kind, of training, of held-out data, and of evaluation."""
    kinds = {}
    for name, record in named.items():
        for column, values in tables.columns(record).items():
            kinds.setdefault(column, {})[name] = values
    return [tables.figures(f"{column}, with standard errors where they are known", of) for column, of in kinds.items()]


def last_pictures(record, budget):
    """Returns the last picture of each kind of a run."""
    latest = {}
    for path in pictures.files_of(record):
        latest[pictures.parsed(path)[0]] = path
    shown, left_out = pictures.chosen({}, list(latest.values()), budget)
    parts = [pictures.figure(path, pictures.caption(record, path)) for path in latest.values() if path in shown]
    if left_out:
        parts.append(element("p", f"Not shown, as the page would be too large: {len(left_out)}.", class_="note"))
    return parts


def document(title, sections, library=""):
    """Returns a whole page.

    Args:
        title: its title, and first heading.
        sections: markup; empty pieces are left out.
        library: scripts of the library that draws curves.
    """
    sections = [part for part in sections if part]
    links = [element("li", element("a", part.heading, href=f"#{part.anchor}")) for part in sections]
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        Markup(f"<style>{STYLE}</style>"),
    ]
    body = [
        element("a", "to the content", class_="skip", href="#content"),
        element("header", element("h1", title), element("nav", element("ul", *links), aria_label="sections")),
        element("main", *sections, id="content"),
    ]
    scripts = [library, markup.script(SCRIPT)] if 'id="curve-data"' in "".join(sections) else []
    parts = [element("head", *head), element("body", *body, *scripts)]
    return "<!DOCTYPE html>\n" + element("html", *parts, lang="en") + "\n"
