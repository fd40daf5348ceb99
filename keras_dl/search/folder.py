"""Search folders: what a search leaves behind, written so that a kill loses at most the trial under way."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_dl.checks import refusal
from keras_dl.runs import RunFolder, records
from keras_dl.types import PathLike

#: What a search's config holds beside that of a run.
CONFIG = {"tuner": str, "objective": str, "trials": int}
#: What the record of a trial that was completed holds at least.
RECORD = {"value": float, "epoch": int, "history": list, "hyperparameters": dict, "fit": dict}


class SearchFolder(RunFolder):
    """Paths and records of one search.

    Attributes:
        config_file: `search.json`, what was asked for.
        trials: folder of KerasTuner's book, and of a folder a trial with its record and models.
        table_file, results_file: `trials.csv` and `results.json`, every trial with its result.
        picture: the trials as lines through their hyperparameters.
        best: the `RunFolder` of the best trial.
    """

    def __init__(self, path: PathLike):
        super().__init__(path)
        self.config_file = self.path / "search.json"
        self.trials = self.path / "trials"
        self.table_file = self.path / "trials.csv"
        self.picture = self.pictures / "trials.png"
        self.best = RunFolder(self.path / "best")

    def read_config(self) -> dict[str, Any]:
        """Returns the config of the search that lies here.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it cannot be read.
        """
        if not self.exists():
            text = f"{self.path} holds no search: {self.config_file} does not exist"
            raise refusal(text, f"{self.path}", error=FileNotFoundError)
        config = super().read_config()
        wrong = [name for name, kind in CONFIG.items() if not isinstance(config.get(name), kind)]
        if wrong:
            lacks = f"it lacks {', '.join(wrong)}"
            raise refusal(f"{self.config_file} cannot be read: {lacks}", f"{sorted(config)}")
        return config

    def trial(self, trial_id: str) -> Path:
        """The folder of a trial."""
        return self.trials / f"trial_{trial_id}"

    def best_model(self, trial_id: str) -> Path:
        """The model of a trial after its best epoch."""
        return self.trial(trial_id) / "best.keras"

    def last_model(self, trial_id: str) -> Path:
        """The model of a trial after its last epoch, from which Hyperband goes on."""
        return self.trial(trial_id) / "last.keras"

    @property
    def own_files(self) -> list[Path]:
        """The files that a search writes and replaces, of those that are there."""
        return [self.config_file, self.table_file, self.results_file, *self.trials.glob("*"), *self.trials.glob("*/*")]

    def best_trial(self) -> int | None:
        """The trial that the run folder of the best is of, or None if there is no such folder.

        Raises:
            FileExistsError: If something else lies in its place.
        """
        place = self.best.path
        if not os.path.lexists(place):
            return None
        try:
            return int(records.read_json(self.best.config_file, {"trial": int})["trial"])
        except ValueError as error:
            text = f"{place} should hold the run of an earlier best trial, and is not replaced: move it ({error})"
            raise refusal(text, place, error=FileExistsError) from error

    def check_free(self, *paths) -> None:
        """Refuses a search folder in which one of its files, or the folder of its best trial, is not ours."""
        super().check_free(*(paths or (self.table_file, self.results_file)))
        self.best_trial()

    def read_record(self, trial_id: str, completed: bool = False) -> dict[str, Any]:
        """What is known of a trial beside KerasTuner's book, a dict.

        Args:
            trial_id: the trial's name.
            completed: whether the trial was completed, so that its record should be whole.

        Raises:
            ValueError: if the record cannot be read, or lacks something.
        """
        path = self.trial(trial_id) / "record.json"
        if completed:
            return records.read_json(path, RECORD)
        return records.read_json(path, {}) if os.path.lexists(path) else {}

    def write_record(self, trial_id: str, record: dict) -> None:
        self.write_json(self.trial(trial_id) / "record.json", record)

    def write_json(self, path: Path, content: Any) -> None:
        """Writes a file of JSON in one step, in a folder that is made if it does not exist."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write_json(path, content)

    def replace(self, path: Path, write: Callable) -> None:
        """Lets `write(temporary)` make a file and puts it in the place of `path` in one step."""
        self._replace(path, write)
