"""Runs the trials of a search: alone, or as one of several workers that share KerasTuner's book with its chief."""

import gc
import os
import socket
import threading
import time

import grpc
import keras
import keras_tuner as kt

from apps import cli, show
from apps.cli import UserError
from apps.search_trial import KeepBest, reason, shown, told_once, values_text
from keras_dl import runtime

#: Set by apps.launch: how many workers share the search.
WORKERS = "KERAS_DL_SEARCH_WORKERS"
PAUSE = 0.3
#: How often a trial may end its process before it counts as failed.
ATTEMPTS = 2
ALL = 10**6


def role():
    """What this process is to the search, by KerasTuner's variables: `"alone"`, `"chief"` or `"worker"`."""
    names = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")
    missing = [name for name in names if not os.environ.get(name)]
    if len(missing) == len(names):
        return "alone"
    if missing:
        raise UserError(f"to share a search, {', '.join(missing)} should be set too; python -m apps.launch does it")
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def wait_for_chief(seconds=600):
    """Waits until the chief has written what workers read, and answers."""
    address = (os.environ["KERASTUNER_ORACLE_IP"], int(os.environ["KERASTUNER_ORACLE_PORT"]))
    deadline = time.monotonic() + seconds
    while True:
        cli.check_interrupted()
        try:
            socket.create_connection(address, 1).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise UserError(f"the chief of the search does not answer at {address[0]}:{address[1]}") from error
        time.sleep(PAUSE)


class Search(kt.engine.base_tuner.BaseTuner):
    """Runs trials until the oracle has no more.

    A trial that is promoted by Hyperband goes on from the state in which the shorter one ended, to the bit. Each trial
    leaves a record, and its model after the best epoch while no other is better.

    Args:
        folder: `SearchFolder`.
        oracle: one of `apps.search_oracles`.
        recipe: what `keras_dl.runtime.hypermodel` makes of a recipe.
        data: `keras_dl.tasks.Arrays`, or other data of a task.
        measures: callbacks that add the objective to the logs, where validation does not.
    """

    def __init__(self, folder, oracle, recipe, data, measures=()):
        self.folder, self.data, self.measures = folder, data, list(measures)
        self.best_of = oracle.objective
        self.resumes = hasattr(oracle, "max_epochs")
        super().__init__(oracle, recipe, directory=str(folder.path), project_name=folder.trials.name)
        if role() != "worker":
            oracle.take_up()

    def _populate_initial_space(self):
        """The oracle was given the space."""

    def save(self):
        """KerasTuner would write a file of no content, by which it knows what to reload."""

    def search(self):
        """Runs trials until there are no more; the chief serves until all workers know that."""
        if role() == "chief":
            return self._serve()
        try:
            while (trial := self.oracle.create_trial(self.tuner_id)).status != "STOPPED":
                if trial.status == "IDLE":  # others' results are needed to choose the next
                    time.sleep(PAUSE)
                else:
                    self._run(trial)
        except grpc.RpcError as error:
            reason = error.details() if hasattr(error, "details") else error
            raise UserError(f"the chief of the search does not answer: {reason}; go on with --resume") from error
        return None

    def run_trial(self, trial):
        """Trains a trial's model and returns its record."""
        keras.backend.clear_session()
        gc.collect()
        hp = trial.hyperparameters
        model, options, values = self.hypermodel.make(hp)
        # What a model does not ask for does not tell it from others.
        unused = [p for p in hp.space if p.name not in values]
        hp.values.update({p.name: p.default for p in unused})
        rows, first, epochs = [], hp.values.get("tuner/initial_epoch", 0), hp.values.get("tuner/epochs")
        if "tuner/trial_id" in hp.values:
            model, rows = self._promoted(hp.values["tuner/trial_id"])
        epochs = epochs or options["epochs"]
        self._announce(trial, values, first, epochs)
        keeper = KeepBest(self.folder, trial.trial_id, self.best_of, rows, self.resumes)
        (x, y), held_out = self.data.trial(options, self.hypermodel.seed)
        with shown(epochs, first) as bar:
            callbacks = [*self.measures, keeper, *bar]
            span = {"initial_epoch": first, "epochs": epochs}
            self.hypermodel.fit(hp, model, x, y, validation_data=held_out, callbacks=callbacks, verbose=0, **span)
        if keeper.best is None:
            raise kt.errors.FailedTrialError(f"{self.best_of.name} was not measured")
        best = {"value": keeper.best[self.best_of.name], "epoch": keeper.best["epoch"]}
        return {"hyperparameters": values, "fit": options, "history": keeper.rows, **best}

    def load_model(self, trial):
        """The model of a trial after its best epoch."""
        return keras.saving.load_model(self.folder.best_model(trial.trial_id))

    def _promoted(self, trial_id):
        path = self.folder.last_model(trial_id)
        return keras.saving.load_model(path), self.folder.read_record(trial_id)["history"]

    def _announce(self, trial, values, first, epochs):
        searched = {p.name for p in trial.hyperparameters.space if not runtime.tuning.is_fixed(p)}
        text = values_text({name: value for name, value in values.items() if name in searched})
        if first:
            text = f"trial {int(trial.hyperparameters.values['tuner/trial_id'])} goes on to epoch {epochs}: {text}"
        show.console.print(f"trial {int(trial.trial_id)}: {text}", markup=False)

    def _run(self, trial):
        """Runs a trial, writes down how it ended, and tells the oracle."""
        name, began = trial.trial_id, time.perf_counter()
        attempts = self.folder.read_record(name).get("attempts", 0)
        self.folder.write_record(name, {"attempts": attempts + 1})
        try:
            with told_once():
                if attempts >= ATTEMPTS:
                    raise kt.errors.FailedTrialError(f"its process was ended {attempts} times: out of memory, perhaps")
                record = self.run_trial(trial)
            trial.status = "COMPLETED"
        except (KeyboardInterrupt, BrokenPipeError):
            self.folder.write_record(name, {"attempts": attempts})
            raise
        except Exception as error:  # whatever a trial dies of, the search goes on
            trial.status, trial.message = "FAILED", reason(error)
            record = {"reason": trial.message}
        record["seconds"] = round(time.perf_counter() - began, 2)
        self.folder.write_record(name, record)
        if trial.status == "COMPLETED":
            self.oracle.update_trial(name, {self.best_of.name: record["value"]}, step=record["epoch"])
        self.oracle.end_trial(trial)
        self._tell(trial, record)
        self._tidy()

    def _tell(self, trial, record):
        if trial.status == "FAILED":
            text = f"failed: {record['reason']}"
        else:
            text = f"{self.best_of.name} {record['value']:.5g} after epoch {record['epoch']}"
        show.console.print(f"trial {int(trial.trial_id)}: {text}, {record['seconds']:.0f} s", markup=False)

    def _tidy(self):
        """Removes the models of trials that are not the best any more."""
        ranked = [trial for trial in self.oracle.get_best_trials(ALL) if trial.status == "COMPLETED"]
        for trial in ranked[1:]:
            self.folder.best_model(trial.trial_id).unlink(missing_ok=True)

    def _serve(self):
        """Lets KerasTuner serve the book in a thread: it looks only every 20 seconds whether it may end."""
        thread = threading.Thread(target=super().search, daemon=True)
        thread.start()
        while not self._all_know():
            if not thread.is_alive():
                raise UserError("the chief cannot serve the search: see above")
            cli.check_interrupted()
            time.sleep(PAUSE)
        time.sleep(PAUSE)  # the last answer is on its way

    def _all_know(self):
        """Whether all workers know that there are no more trials; of an unknown number, all that have asked."""
        told, workers = self.oracle.told, os.environ.get(WORKERS)
        if workers is not None:
            return len(told) >= int(workers)
        return bool(told) and not self.oracle.tuner_ids and not self.oracle.ongoing_trials
