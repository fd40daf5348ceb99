"""Terminal: bars, tables, lines, the paths of what was written. No other module prints with rich."""

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn, track
from rich.table import Table

WIDEST = 400  # of a table in a file
console = Console(highlight=False, soft_wrap=True)
#: Direction of a metric -> which of its values are better, in a word.
BETTER = {"max": "higher", "min": "lower", None: ""}


def epochs_bar(epochs, done):
    """A bar over epochs, and its one task, which says in words what is going on."""
    place, text = TextColumn("epoch {task.fields[epoch]}/{task.total:g}"), TextColumn("{task.description}")
    bar = Progress(place, BarColumn(), text, TimeElapsedColumn(), TimeRemainingColumn(), console=console)
    return bar, bar.add_task("compiling", total=epochs, completed=done, epoch=min(done + 1, epochs))


def say(text):
    """Prints a line as it is."""
    console.print(text, markup=False)


def counted(count, noun):
    """A number of things in words: `1 epoch`, `2 epochs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def note(text):
    """Prints a line that matters less."""
    console.print(text, markup=False, style="dim")


def report(report):
    """Shows the tables of a `keras_dl.tasks.Report`, and what explains them."""
    for title, columns in report.tables:
        results_table(title, columns, report.scales)
    for line in report.notes:
        say(line)


def metrics_table(title, columns, task):
    """A table of numbers by the names of metrics, with their units and which way is better.

    Args:
        title: the line above it.
        columns: dict from the name of a column to a dict of numbers.
        task: `keras_dl.tasks.Task`, which knows of its own metrics what they are of.
    """
    from keras_dl.tasks import units
    from keras_dl.tasks.measure import direction

    texts, scales = {}, {}
    for column, values in columns.items():
        texts[column] = {}
        for name, value in units.without_repeats(values).items():
            row = task.titles.get(name, name)
            texts[column][row] = units.metric_text(name, value, task.units)
            scales[row] = (units.unit(name, task.units), direction(name))
    results_table(title, texts, scales)


def results_table(title, columns, scales=None):
    """A table with a row per metric.

    Args:
        title: the line above it.
        columns: dict from the name of a column to a dict of metrics, or of texts.
        scales: dict from the names of rows to pairs of a unit and a direction, `"max"`, `"min"` or None; a table of
            which no row has one has no columns for them.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    names = dict.fromkeys(name for metrics in columns.values() for name in metrics)
    pairs = {name: (scales or {}).get(name, ("", None)) for name in names}
    marks = {name: [unit, BETTER[direction]] for name, (unit, direction) in pairs.items()}
    scaled = any(map(any, marks.values()))
    for column in ("unit", "better") if scaled else ():
        table.add_column(column)
    for column in columns:
        table.add_column(column, justify="right", overflow="fold")
    for name in names:
        values = (metrics.get(name, "") for metrics in columns.values())
        texts = [value if isinstance(value, str) else f"{value:.4f}" for value in values]
        table.add_row(*map(escape, [name, *(marks[name] if scaled else ()), *texts]))
    _print_whole(table)


def _print_whole(table):
    """Prints a table within the terminal's width; a file or a pipe has none, so that nothing is cut or folded there."""
    width = console.width
    if not console.is_terminal:
        console.width = WIDEST
    console.print(table)
    console.width = width


def trials(title, header, lines):
    """A table of a search's trials, the failed ones in red.

    Args:
        title: the line above it.
        header: names of the columns, of which the last is wide.
        lines: list of `(texts, completed)`, one for each trial.
    """
    table = Table(title=title, title_justify="left")
    for column in header[:-1]:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column(header[-1])
    for texts, completed in lines:
        table.add_row(*map(escape, texts), style=None if completed else "red")
    console.print(table, soft_wrap=False)


def written(paths):
    """Lists the files that were written, with what each is."""
    console.print("written:")
    for path, meaning in paths.items():
        console.print(f"  {path}  [dim]{meaning}[/dim]")


def tracked(items, title):
    """Goes through items, on a terminal with a bar."""
    if console.is_terminal and not console.quiet:
        return track(items, title, console=console, transient=True)
    return items
