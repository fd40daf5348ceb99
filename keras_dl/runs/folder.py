"""Run folders: what a training run leaves behind, written so that a kill at any moment leaves the last whole state."""

import csv
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.runs import records
from keras_dl.runs.records import unreadable
from keras_dl.types import PathLike


class RunFolder:
    """Paths and records of one run.

    Attributes:
        path: the folder.
        config_file, model_file, history_file, results_file, evaluation_file, report_file: `config.json`, `model.keras`,
            `history.csv`, `results.json`, `evaluation.json`, `report.html`.
        tensorboard: folder of TensorBoard logs.
        pictures: folder of PNGs.
        checkpoints: folder of the last states of the run.
    """

    def __init__(self, path: PathLike):
        self.path = Path(path)
        self.config_file = self.path / "config.json"
        self.model_file = self.path / "model.keras"
        self.history_file = self.path / "history.csv"
        self.results_file = self.path / "results.json"
        self.evaluation_file = self.path / "evaluation.json"
        self.report_file = self.path / "report.html"
        self.tensorboard = self.path / "tensorboard"
        self.pictures = self.path / "pictures"
        self.checkpoints = self.path / "checkpoints"

    def exists(self) -> bool:
        return self.config_file.is_file()

    def folds(self) -> list[Path]:
        """The folders of the folds' runs that lie in this one, in order; none if it is no such folder."""
        folds = [path.parent for path in self.path.glob("fold_*/config.json")]
        numbers = {int(path.name[5:]): path for path in folds if path.name[5:].isdecimal()}
        return [numbers[number] for number in sorted(numbers)]

    def check(self, resumes: bool, export: PathLike | None = None) -> None:
        """Refuses folders that a run could not write to, before any work; makes nothing.

        Args:
            resumes: whether the run goes on from what the folder holds.
            export: folder that the model is exported to, too.
        """
        if resumes:
            self.check_writable()
            self.check_free()
        else:
            self.check_new()
        if export:
            check_makeable(export)

    def check_new(self) -> None:
        """Refuses a folder that holds something or that cannot be made, and makes nothing."""
        try:
            if self.path.is_dir() and any(self.path.iterdir()):
                text = f"{self.path} holds files that are not a run; give an empty or a new folder as --out"
                raise refusal(text, f"{self.path}", error=FileExistsError)
        except PermissionError as error:
            raise _unwritable(self.path, error.strerror) from error
        check_makeable(self.path)

    def create(self) -> None:
        """Makes the folder, which must be empty or new, and checks that it can be written to."""
        self.check_new()
        try:
            self.pictures.mkdir(parents=True)
            self.check_writable()
        except OSError as error:
            raise _unwritable(self.path, error.strerror) from error

    def check_writable(self) -> None:
        try:
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise _unwritable(self.path, error.strerror) from error

    def read_config(self) -> dict[str, Any]:
        """Returns the config of the run that lies here.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it cannot be read.
        """
        if not self.exists():
            text = f"{self.path} holds no run: {self.config_file} does not exist"
            raise refusal(text, f"{self.path}", error=FileNotFoundError)
        return records.read_config(self.config_file)

    def write_config(self, config: dict) -> None:
        """Writes the config, unless it is there already."""
        if self.exists() and records.is_json(self.config_file, config):
            return
        self._write_json(self.config_file, config)

    def write_results(self, results: dict) -> None:
        self._write_json(self.results_file, results)

    def write_evaluation(self, results: dict) -> None:
        self._write_json(self.evaluation_file, results)

    def load_model(self) -> Any:
        """Loads `model.keras`; classes of its own have been imported before, as a recipe's are with the recipe.

        Raises:
            FileNotFoundError: if it is missing.
            ValueError: if it is damaged.
        """
        if not self.model_file.is_file():
            text = f"{self.path} holds no trained model yet: {self.model_file} does not exist"
            raise refusal(text, f"{self.path}", error=FileNotFoundError)
        if not zipfile.is_zipfile(self.model_file):
            raise unreadable(self.model_file, "it is not a whole .keras file, perhaps cut short")
        try:
            return keras.saving.load_model(self.model_file)
        except Exception as error:  # a damaged archive raises whatever its reader stumbles over
            raise unreadable(self.model_file, f"{type(error).__name__}: {error}") from error

    def keep_model(self, path: PathLike) -> None:
        """Makes `model.keras` the file at `path`, by a link if the file system knows links."""

        def link_or_copy(temporary):
            temporary.unlink(missing_ok=True)
            try:
                os.link(path, temporary)
            except OSError:
                shutil.copyfile(path, temporary)

        self._replace(self.model_file, link_or_copy)

    def read_history(self, epochs: int | None = None) -> list[dict[str, float]]:
        """Returns the rows of the history, dicts of numbers; of the first `epochs` epochs if that is given."""
        if not os.path.lexists(self.history_file):
            return []
        return [row for row in records.read_table(self.history_file) if epochs is None or row["epoch"] <= epochs]

    def write_history(self, rows: Any) -> None:
        def write_table(path):
            with path.open("w", newline="", encoding="utf-8") as file:
                names = dict.fromkeys(name for row in rows for name in row)
                writer = csv.DictWriter(file, fieldnames=list(names), restval="nan")
                writer.writeheader()
                writer.writerows(rows)

        self._replace(self.history_file, write_table)

    def read_results(self) -> list[dict[str, Any]]:
        """Returns the results of the run and of its evaluation, dicts, or None if there are none.

        Raises:
            ValueError: if one cannot be read.
        """
        kinds = {self.results_file: records.RESULTS, self.evaluation_file: records.EVALUATION}
        return [self._read_own(path, kind) for path, kind in kinds.items()]

    def _write_json(self, path, content):
        text = json.dumps(content, indent=2) + "\n"
        self._replace(path, lambda new: new.write_text(text, encoding="utf-8"))

    def _replace(self, path, write):
        """Lets `write(temporary)` make a file and puts it in the place of `path` in one step, if that is free."""
        self._take_over()
        files.replace(path, write, flush=True)

    @property
    def own_files(self) -> list[Path]:
        """The files that programs write into the folder and replace, whether they are there or not."""
        return [self.config_file, self.model_file, self.history_file, self.results_file, self.evaluation_file]

    def check_free(self, *paths) -> None:
        """Refuses a folder in which one of its files is not ours, before any work: it would not be replaced.

        Raises:
            FileExistsError: If one is the user's, or was changed since it was written.
            ValueError: If the config or the history was changed, and cannot be read.
        """
        self._take_over()
        self._take_changes()
        files.check_free(paths or (self.model_file, self.history_file, self.results_file))
        for folder in (self.checkpoints, self.pictures, self.tensorboard):
            if os.path.lexists(folder) and not folder.is_dir():
                text = f"{folder} should be a folder of the run, and is a file: move it"
                raise refusal(text, folder, error=FileExistsError)

    def _take_over(self):
        """Lists the files of a folder of an earlier version, which did not list them, as ours."""
        if self.exists() and not files.is_listed(self.config_file):
            files.adopt(self.own_files)

    def _take_changes(self):
        """Lists a config and a history that were changed as ours: what stands in them stays when a run goes on."""
        for path, read in ((self.config_file, records.read_config), (self.history_file, records.read_table)):
            if files.is_listed(path) and path.is_file() and not files.is_free(path):
                read(path)
                files.adopt([path])

    def _read_own(self, path, kinds):
        """The content of a JSON file of the folder, or None if there is none or it is a user's own."""
        users = files.is_listed(self.config_file) and not files.is_listed(path)
        return None if users or not os.path.lexists(path) else records.read_json(path, kinds)


def check_makeable(path):
    """Refuses a folder that is not there and cannot be made, or that cannot be written to, and makes nothing."""
    path = Path(path).absolute()
    try:
        there = next(folder for folder in (path, *path.parents) if folder.exists())
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise _unwritable(path, f"{there} is {'read-only' if there.is_dir() else 'no folder'}")


def _unwritable(path, reason):
    return refusal(f"cannot write to {path}: {reason}", path, error=OSError)
