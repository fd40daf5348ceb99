"""The table of a comparison, from the figures of its runs; TensorFlow is not needed."""

import json
import math
import statistics

from apps import early

ERROR = "_standard_error"
#: Figure -> what the table calls it, in order.
ROWS = {
    "log_prob": "log p(x), nats",
    "bits_per_dimension": "bits per dimension",
    "kid": "KID",
    "fid": "FID",
    "precision": "precision",
    "recall": "recall",
    "weights": "weights",
    "epochs": "epochs",
    "steps": "steps",
    "seconds_per_epoch": "seconds per epoch",
    "samples_per_second": "samples per second",
    "peak_megabytes": "peak memory, MB",
}


NOTE = (
    "log p(x) compares models of one kind: probabilities of levels of grey, of which none is above 0 nats, or "
    "densities of real numbers, which have no upper bound."
)


def gathered(out, plan, jobs):
    """Returns the figures of a comparison by recipe; of several seeds the mean, with its standard error."""
    runs = {job: json.loads((out / job / "compared.json").read_text(encoding="utf-8")) for job in jobs}
    figures = {}
    for recipe in plan["recipes"]:
        figures[recipe] = mean([runs[f"{recipe}-{seed}"] for seed in range(plan["seeds"])])
    about = {name: plan[name] for name in ("dataset", "budget", "seeds", "num_samples")}
    versions = next(iter(runs.values()))["runtime"]
    return {**about, "runtime": versions, "recipes": figures}


def mean(results):
    """Returns figures of one run, or the means of several with their standard errors."""
    if len(results) == 1:
        return {name: value for name, value in results[0].items() if name != "runtime"}
    figures = {}
    for name in ROWS:
        values = [result[name] for result in results if isinstance(result.get(name), (int, float))]
        if len(values) == len(results):
            figures[name] = statistics.fmean(values)
            figures[f"{name}{ERROR}"] = statistics.stdev(values) / math.sqrt(len(values))
    ends = [result["ended"] for result in results if result.get("ended")]
    return figures | ({"ended": "; ".join(ends)} if ends else {})


def lines(figures):
    """Returns the rows of the table: a metric's title, and a text for each recipe."""
    tables = early.package("report").tables
    rows = []
    for name, title in ROWS.items():
        cells = [tables.figure(column, name) for column in figures["recipes"].values()]
        if any(cells):
            rows.append([title, *(cell or "-" for cell in cells)])
    ends = [column.get("ended", "") for column in figures["recipes"].values()]
    return rows + [["ended early", *ends]] if any(ends) else rows


def as_text(figures):
    """Returns the table as Markdown."""
    names = list(figures["recipes"])
    head = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    table = "\n".join(head + ["| " + " | ".join(row) + " |" for row in lines(figures)])
    return f"{table}\n\n{NOTE}" if needs_note(figures) else table


def needs_note(figures):
    """Whether several models have a log-likelihood, which readers would compare."""
    return sum(column.get("log_prob") is not None for column in figures["recipes"].values()) > 1


def spent(budget):
    """A budget in words, `{"steps": 20}` as 20 steps."""
    return ", ".join(f"{number} {unit.removesuffix('s') if number == 1 else unit}" for unit, number in budget.items())


def page(out, plan, figures, jobs):
    """Returns the page of a comparison: the table, then what a report of several runs shows."""
    report = early.package("report")
    title = f"{plan['dataset']}, {spent(plan['budget'])} each"
    parts = [report.markup.table(title, ["", *figures["recipes"]], lines(figures))]
    parts += [report.markup.element("p", NOTE)] if needs_note(figures) else []
    table = report.markup.section("table", "Side by side", *parts)
    records = [report.read(out / job) for job in jobs]
    return report.page(records, title=f"Comparison: {title}", first=[table], beside=out)
