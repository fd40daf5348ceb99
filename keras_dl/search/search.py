"""Searches: trials that run alone, or in several workers, which share KerasTuner's book with its chief."""

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import keras
import keras_tuner as kt

from keras_dl.checks import refusal
from keras_dl.search import oracles
from keras_dl.search.apart import Apart
from keras_dl.search.forked import Gone
from keras_dl.search.listener import Listener
from keras_dl.search.trainer import Trainer
from keras_dl.search.trial import Warnings, reason

#: The environment variable that says how many workers share the search.
WORKERS = "KERAS_DL_SEARCH_WORKERS"
PAUSE = 0.3
#: How often a trial may end its process before it counts as failed.
ATTEMPTS = 2


def role() -> str:
    """What this process is to the search, by KerasTuner's variables: `"alone"`, `"chief"` or `"worker"`.

    Raises:
        ValueError: if only some of the variables are set.
    """
    names = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")
    missing = [name for name in names if not os.environ.get(name)]
    if len(missing) == len(names):
        return "alone"
    if missing:
        there = [name for name in names if name not in missing]
        raise refusal(f"to share a search, {', '.join(missing)} should be set, too", f"{', '.join(there)}")
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def wait_for_chief(check_interrupted: Callable, seconds: float = 600) -> None:
    """Waits until the chief has written what workers read, and answers.

    Args:
        check_interrupted: function that is called often, and raises what ends the search.
        seconds: how long to wait.

    Raises:
        ConnectionError: if it does not answer.
    """
    address = (os.environ["KERASTUNER_ORACLE_IP"], int(os.environ["KERASTUNER_ORACLE_PORT"]))
    deadline = time.monotonic() + seconds
    while True:
        check_interrupted()
        try:
            socket.create_connection(address, 1).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                place = f"{address[0]}:{address[1]}"
                raise refusal("the chief of the search does not answer", place, error=ConnectionError) from error
        time.sleep(PAUSE)


class Search(kt.engine.base_tuner.BaseTuner):
    """Runs trials until the oracle has no more.

    A trial that is promoted by Hyperband goes on from the state in which the shorter one ended, to the bit. Each trial
    leaves a record, and its model after the best epoch while no other is better.

    Args:
        plan: `Plan`.
        folder: `SearchFolder`, which exists and holds the config.
        config: the search's config, of which `tuner`, `trials`, `seed` and `features` count.
        listener: `Listener`, who is told how far the search is; None for nobody.
        apart: `Apart`, in whose processes trials run; None for this one, whose memory then stays that of the largest.

    Raises:
        ValueError: if the folder holds another search, or more trials than are wanted.
    """

    def __init__(self, plan: Any, folder: Any, config: dict, listener: Any = None, apart: Apart | None = None):
        self.plan, self.folder, self.config = plan, folder, config
        self.listener = listener or Listener()
        self.warnings = Warnings(self.listener.note)
        self.goal = plan.goal.objective
        epochs = plan.options["epochs"]
        of_search = plan, folder, config, self.listener
        self.trainer = apart.trainer(*of_search, self.warnings.tell) if apart else Trainer(*of_search)
        oracle = oracles.create(
            config["tuner"], folder, config["trials"], epochs, config["seed"],
            objective=self.goal, hyperparameters=plan.space,
        )  # fmt: skip
        super().__init__(oracle, plan.hypermodel, directory=str(folder.path), project_name=folder.trials.name)
        if role() != "worker":
            oracle.take_up()
            if self.ended > config["trials"]:
                text = f"{folder.path} has {self.ended} trials behind it"
                raise refusal(text, f"--trials {config['trials']}")

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return oracles.count(self.oracle)[0]

    @property
    def failed(self) -> int:
        """How many trials have failed."""
        return oracles.count(self.oracle)[1]

    def _populate_initial_space(self):
        """The oracle was given the space."""

    def save(self) -> None:
        """KerasTuner would write a file of no content, by which it knows what to reload."""

    def search(self) -> None:
        """Runs trials until there are no more; the chief serves until all workers know that."""
        if role() == "chief":
            self.trainer.close()  # the workers train
            return self._serve()
        try:
            while (trial := self.oracle.create_trial(self.tuner_id)).status != "STOPPED":
                if trial.status == "IDLE":  # others' results are needed to choose the next
                    time.sleep(PAUSE)
                else:
                    self._run(trial)
        except grpc.RpcError as error:
            text = error.details() if hasattr(error, "details") else error
            raise refusal("the chief of the search does not answer", text, error=ConnectionError) from error
        return None

    def run_trial(self, trial: Any) -> dict[str, Any]:
        """Trains a trial's model and returns its record."""
        return self.trainer.train(trial)

    def load_model(self, trial: Any) -> Any:
        """The model of a trial after its best epoch."""
        return keras.saving.load_model(self.folder.best_model(trial.trial_id))

    def _run(self, trial):
        """Runs a trial, writes down how it ended, and tells the oracle."""
        name, began = trial.trial_id, time.perf_counter()
        attempts = self.folder.read_record(name).get("attempts", 0)
        self.folder.write_record(name, {"attempts": attempts + 1})
        try:
            with self.warnings.caught():
                if attempts >= ATTEMPTS:
                    raise kt.errors.FailedTrialError(f"its process was ended {attempts} times: out of memory, perhaps")
                record = self.run_trial(trial)
            trial.status = "COMPLETED"
        except (KeyboardInterrupt, BrokenPipeError, Gone):
            self.folder.write_record(name, {"attempts": attempts})
            raise
        except Exception as error:  # whatever a trial dies of, the search goes on
            trial.status, trial.message = "FAILED", reason(error)
            record = {"reason": trial.message}
        record["seconds"] = round(time.perf_counter() - began, 2)
        self.folder.write_record(name, record)
        if trial.status == "COMPLETED":
            self.oracle.update_trial(name, {self.goal.name: record["value"]}, step=record["epoch"])
        self.oracle.end_trial(trial)
        self._tell(trial, record)
        self._tidy()

    def _tell(self, trial, record):
        if trial.status == "FAILED":
            text = f"failed: {record['reason']}"
        else:
            text = f"{self.goal.name} {record['value']:.5g} after epoch {record['epoch']}"
        self.listener.say(f"trial {int(trial.trial_id)}: {text}, {record['seconds']:.0f} s")

    def _tidy(self):
        """Removes the models of trials that are not the best any more."""
        ranked = [trial for trial in oracles.ranked(self.oracle) if trial.status == "COMPLETED"]
        for trial in ranked[1:]:
            self.folder.best_model(trial.trial_id).unlink(missing_ok=True)

    def _serve(self):
        """Lets KerasTuner serve the book in a thread: it looks only every 20 seconds whether it may end."""
        thread = threading.Thread(target=super().search, daemon=True)
        thread.start()
        while not self._all_know():
            if not thread.is_alive():
                raise refusal("the chief cannot serve the search", f"{self.folder.path}", error=ConnectionError)
            self.listener.check_interrupted()
            time.sleep(PAUSE)
        time.sleep(PAUSE)  # the last answer is on its way

    def _all_know(self):
        """Whether all workers know that there are no more trials; of an unknown number, all that have asked."""
        informed, workers = self.oracle.told, os.environ.get(WORKERS)
        if workers is not None:
            return len(informed) >= int(workers)
        return bool(informed) and not self.oracle.tuner_ids and not self.oracle.ongoing_trials
