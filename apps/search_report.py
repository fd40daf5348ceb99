"""What a search ends with: a table of its trials, a picture, files, and the best model as a run folder."""

import csv
import json
import shlex
import shutil

from rich.markup import escape
from rich.table import Table

from apps import search_picture, show
from apps.cli import UserError
from apps.search import ALL
from apps.search_trial import values_text
from keras_dl.runs import Run, RunFolder

SHOWN = 30


def report(plan, config, folder, oracle):
    """Writes and shows what became of the trials; refuses to end well where all of them failed."""
    rows = collect(plan, folder, oracle)
    write(plan, folder, rows)
    show_trials(plan, folder, rows)
    ended = [row for row in rows if row["status"] == "completed"]
    if not ended:
        first = f"; trial {rows[0]['trial']}: {rows[0]['reason']}" if rows else ""
        raise UserError(f"all {len(rows)} trials failed{first}")
    names = [parameter.name for parameter in plan.searched]
    search_picture.draw(folder.picture, plan.space, rows, plan.goal.objective, names)
    files = {
        folder.table_file: "every trial; also results.json",
        folder.picture: "every trial a line through its hyperparameters",
    }
    best = ended[0]
    test = keep_best(plan, config, folder, best)
    show.results_table(
        f"\ntrial {best['trial']}, the best, after epoch {best['epoch']}",
        {"held out": test, "hyperparameter": {name: str(value) for name, value in best["hyperparameters"].items()}},
    )
    files[folder.best.path] = "its run folder, for apps.evaluate, apps.sample, apps.export, apps.train --resume"
    show.written(files)
    show.console.print(f"train it longer, with schedules that fit:\n  {longer(plan, config, best)}", markup=False)


def collect(plan, folder, oracle):
    """A row, a dict, for every trial: those that completed from the best to the worst, then the others."""
    rows = []
    for trial in oracle.get_best_trials(ALL):
        record = folder.read_record(trial.trial_id)
        given = {name: value for name, value in trial.hyperparameters.values.items() if not name.startswith("tuner/")}
        history = record.get("history", [])
        row = {"trial": int(trial.trial_id), "id": trial.trial_id, "status": trial.status.lower()}
        row |= {plan.goal.objective.name: record.get("value"), "epoch": record.get("epoch")}
        row |= {"trained_epochs": history[-1]["epoch"] if history else 0, "seconds": record.get("seconds")}
        row |= {"reason": record.get("reason") or ("" if row["status"] == "completed" else trial.message)}
        rows.append(row | {"hyperparameters": record.get("hyperparameters", given), "fit": record.get("fit")})
    return rows


def write(plan, folder, rows):
    """Writes `trials.csv` and `results.json`."""
    objective = plan.goal.objective
    flat = [{**row, **row["hyperparameters"]} for row in rows]
    names = dict.fromkeys(name for row in flat for name in row if name not in ("id", "fit", "hyperparameters"))

    def save(path):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(names), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(flat)

    folder.replace(folder.table_file, save)
    ended = [row["trial"] for row in rows if row["status"] == "completed"]
    found = {"objective": objective.name, "direction": objective.direction, "best": ended[0] if ended else None}
    folder.write_results({**found, "trials": [{k: v for k, v in row.items() if k != "id"} for row in rows]})


def show_trials(plan, folder, rows):
    """Shows the trials, the best first."""
    name = plan.goal.objective.name
    searched = {parameter.name for parameter in plan.searched}
    table = Table(title=f"\n{len(rows)} trials", title_justify="left")
    for column in ("trial", name, "epoch", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("hyperparameters")
    for row in rows[:SHOWN]:
        values = {key: value for key, value in row["hyperparameters"].items() if key in searched}
        text = values_text(values)
        failed = row["status"] != "completed"
        result = "failed" if failed else f"{row[name]:.5g}"
        place = "" if failed else f"{row['epoch']}/{row['trained_epochs']}"
        cells = (str(row["trial"]), result, place, f"{row['seconds'] or 0:.0f}")
        told = escape(f"{row['reason']} ({text})" if failed else text)
        table.add_row(*cells, told, style="red" if failed else None)
    show.console.print(table, soft_wrap=False)
    if len(rows) > SHOWN:
        show.console.print(f"and {len(rows) - SHOWN} more in {folder.table_file}")


def keep_best(plan, config, folder, best):
    """Makes the best trial a run folder; returns the metrics of its model on held-out data.

    One that is there from an earlier end of the search, with another trial, is kept under that trial's name.
    """
    target, new = folder.best.path, RunFolder(folder.path / ".new_best")
    shutil.rmtree(new.path, ignore_errors=True)
    new.create()
    shutil.copyfile(folder.best_model(best["id"]), new.model_file)
    record = folder.read_record(best["id"])
    history = [row for row in record["history"] if row["epoch"] <= best["epoch"]]
    kept = ("recipe", "dataset", "seed", "versions", "command", "data", "condition")
    found = {name: config[name] for name in kept} | {"preset": None, "folder": config.get("folder")}
    found |= {"hyperparameters": best["hyperparameters"], "fit": best["fit"], "trial": best["trial"]}
    new.write_history(history)
    new.write_config(found)
    measured = {plan.goal.name: best[plan.goal.objective.name]}
    run = Run(new, found, plan.task, plan.data, new.load_model(), track=show.tracked, say=show.say)
    run.draw_samples(best["epoch"])
    held_out = plan.data.pipelines(best["fit"], config["seed"])[1]
    test = run.finish(held_out, measured, best["epoch"])[1]
    if target.is_dir():
        old = json.loads(folder.best.config_file.read_text(encoding="utf-8")).get("trial")
        if old == best["trial"]:
            shutil.rmtree(new.path)
            return test
        target.rename(folder.path / f"best_was_trial_{old}")
    new.path.rename(target)
    return test


def longer(plan, config, best):
    """The command that trains the best hyperparameters over the recipe's own number of epochs."""
    names = {parameter.name for parameter in plan.space.space} - {"epochs"}
    given = " ".join(f"--set {name}={value}" for name, value in best["hyperparameters"].items() if name in names)
    scans = config.get("folder")
    data = f"--data {shlex.quote(scans)}" if scans else f"--dataset {config['dataset']}"
    seed = f"--seed {config['seed']}"
    return f"python -m apps.train {config['recipe']} {data} {seed} --out runs/{config['recipe']}_tuned {given}"
