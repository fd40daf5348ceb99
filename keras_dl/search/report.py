"""Reports of searches: a table of the trials, a picture, files, and the best model as a run folder."""

import csv
import os
import shutil
import zipfile
from typing import Any

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.runs import Run, RunFolder, closing, records
from keras_dl.search import oracles, picture
from keras_dl.search.trial import values_text
from keras_dl.tasks import units


class Report:
    """What became of the trials of a search; its tables are written when it is made.

    Args:
        search: `Search`.
        config: the search's config.

    Attributes:
        rows: a dict for every trial: those that completed from the best to the worst, then the others.
    """

    def __init__(self, search: Any, config: dict):
        self.plan, self.folder, self.listener, self.config = search.plan, search.folder, search.listener, config
        self.objective = self.plan.goal.objective
        self.rows = [self._row(trial) for trial in oracles.ranked(search.oracle)]
        self.completed = [row for row in self.rows if row["status"] == "completed"]
        self._write()

    @property
    def header(self) -> tuple[str, ...]:
        """The heads of the columns of `table`, the result's with its unit and which way is better."""
        about = units.scale(self.objective.name, self.plan.task.units, self.objective.direction)
        result = f"{self.objective.name}\n({about})" if about else self.objective.name
        return "trial", result, "epoch", "seconds", "hyperparameters"

    def table(self, most: int) -> list:
        """The trials as texts, the best first.

        Args:
            most: how many at most.

        Returns:
            List of `(texts, completed)`, one for each trial: its number, its result, the epoch of that, its seconds,
            and its hyperparameters with, if it failed, the reason.
        """
        searched, lines = {parameter.name for parameter in self.plan.searched}, []
        for row in self.rows[:most]:
            values = values_text({name: value for name, value in row["hyperparameters"].items() if name in searched})
            seconds, completed = f"{row['seconds'] or 0:.0f}", row["status"] == "completed"
            if completed:
                result, epoch = f"{row[self.objective.name]:.5g}", f"{row['epoch']}/{row['trained_epochs']}"
            else:
                result, epoch, values = "failed", "", f"{row['reason']} ({values})"
            lines.append(((str(row["trial"]), result, epoch, seconds, values), completed))
        return lines

    def finish(self) -> tuple:
        """Draws the trials, and makes the best a run folder.

        Returns:
            `(best, test)`: the row of the best trial, and the metrics of its model on held-out data.

        Raises:
            ValueError: if all trials failed.
        """
        if not self.completed:
            first = f"; trial {self.rows[0]['trial']}: {self.rows[0]['reason']}" if self.rows else ""
            raise refusal(f"all {len(self.rows)} trials failed{first}", f"{self.folder.path}")
        names = [parameter.name for parameter in self.plan.searched]
        picture.draw(self.folder.picture, self.plan.space, self.rows, self.objective, names)
        return self.completed[0], self._keep(self.completed[0])

    def _row(self, trial):
        """What is known of a trial."""
        record = self.folder.read_record(trial.trial_id, completed=trial.status == "COMPLETED")
        proposed = {k: value for k, value in trial.hyperparameters.values.items() if not k.startswith("tuner/")}
        history = record.get("history", [])
        row = {"trial": int(trial.trial_id), "id": trial.trial_id, "status": trial.status.lower()}
        row |= {self.objective.name: record.get("value"), "epoch": record.get("epoch")}
        row |= {"trained_epochs": history[-1]["epoch"] if history else 0, "seconds": record.get("seconds")}
        row |= {"reason": record.get("reason") or ("" if row["status"] == "completed" else trial.message)}
        return row | {"hyperparameters": record.get("hyperparameters", proposed), "fit": record.get("fit")}

    def _write(self):
        """Writes `trials.csv` and `results.json`."""
        flat = [{**row, **row["hyperparameters"]} for row in self.rows]
        names = dict.fromkeys(name for row in flat for name in row if name not in ("id", "fit", "hyperparameters"))

        def write_table(path):
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=list(names), extrasaction="ignore")
                writer.writeheader()
                writer.writerows(flat)

        self.folder.replace(self.folder.table_file, write_table)
        best = self.completed[0]["trial"] if self.completed else None
        results = {"objective": self.objective.name, "direction": self.objective.direction, "best": best}
        trials = [{name: value for name, value in row.items() if name != "id"} for row in self.rows]
        self.folder.write_results({**results, "trials": trials})

    def _keep(self, best):
        """Makes the best trial a run folder; returns the metrics of its model on held-out data.

        One that is there from an earlier end of the search, with another trial, is kept under that trial's name.
        """
        model = self.folder.best_model(best["id"])
        if not model.is_file():
            raise refusal(f"{model} should be the model of the best trial, and is not there", model)
        if not zipfile.is_zipfile(model):
            raise records.unreadable(model, "it is not a whole .keras file, perhaps cut short")
        target, new = self.folder.best.path, RunFolder(self.folder.path / ".new_best")
        shutil.rmtree(new.path, ignore_errors=True)
        new.create()
        new.keep_model(model)
        history = self.folder.read_record(best["id"]).get("history", [])
        config = self._run_config(best)
        new.write_history([row for row in history if row["epoch"] <= best["epoch"]])
        new.write_config(config)
        test = self._test(new, config, best)
        if os.path.lexists(target):
            before = self.folder.best_trial()
            if before == best["trial"]:
                shutil.rmtree(new.path)
                return test
            target.rename(files.free_name(self.folder.path / f"best_was_trial_{before}"))
        new.path.rename(target)
        closing.write_report(self.folder.best)  # whose commands name the folder
        return test

    def _run_config(self, best):
        """The config of the run that a trial was."""
        names = ("recipe", "dataset", "seed", "versions", "command", "data", "condition")
        config = {name: self.config[name] for name in names if name in self.config}
        config |= {"preset": None, "folder": self.config.get("folder"), "reading": self.config.get("reading")}
        return config | {"hyperparameters": best["hyperparameters"], "fit": best["fit"], "trial": best["trial"]}

    def _test(self, folder, config, best):
        """Evaluates the best model, and draws what a run's pictures are."""
        plan, listeners = self.plan, {"track": self.listener.track, "say": self.listener.say}
        run = Run(folder, config, plan.task, plan.data, folder.load_model(), **listeners)
        run.draw_samples(best["epoch"])
        held_out = plan.data.pipelines(best["fit"], config["seed"])[1]
        return run.finish(held_out, {plan.goal.name: best[self.objective.name]}, best["epoch"])[1]
