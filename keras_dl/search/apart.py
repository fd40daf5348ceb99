"""Searches whose models live apart: in processes of their own, one after the other, whose memory ends with them."""

import contextlib
import importlib
import os
import resource
from collections.abc import Callable
from typing import Any, Self

import keras_tuner as kt

from keras_dl.search.folder import SearchFolder
from keras_dl.search.forked import Ended, Forked
from keras_dl.search.listener import Listener
from keras_dl.search.plan import Plan
from keras_dl.search.relay import Hearing, telling
from keras_dl.search.trainer import Trainer, span
from keras_dl.search.trial import Warnings, reason
from keras_dl.types import PathLike

#: Kilobytes by which the memory of a process may rise over that of its first trial, before the next takes its place.
GROWTH = 100 * 1024


class Apart:
    """Plans a search and trains its trials in processes of their own.

    It is made before this process runs TensorFlow (`forked.is_possible`), and holds what those processes are forked
    with. No code travels: a question is the name of what is wanted, and hyperparameters.

    Args:
        recipe: a module (or any object) with `build`, `fit_options` and `TASK`.
        data: what the task's `load` returned.
        check_interrupted: function that is called often, and raises what ends the waiting.
    """

    def __init__(self, recipe: Any, data: Any, check_interrupted: Callable = lambda: None):
        self.recipe, self.data, self.check = recipe, data, check_interrupted
        if recipe.TASK.has_density:
            importlib.import_module("keras_dl.likelihoods")  # once for all: TensorFlow Probability takes its time
        self._forked = Forked(Answers(recipe, data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def plan(
        self, values: dict, objective: str | None = None, seed: int = 0, features: PathLike | None = None
    ) -> Plan:
        """As `Plan.make`, whose models are built apart."""
        asked = {"values": values, "objective": objective, "seed": seed}
        asked["features"] = None if features is None else os.fspath(features)
        state = self._forked.ask({"plan": asked}, check=self.check)
        return Plan.restore(self.recipe, self.data, state)

    def trainer(self, plan: Plan, folder: SearchFolder, config: dict, listener: Listener, note: Callable) -> Any:
        """What trains the trials of a search, as `Trainer` does.

        Args:
            plan: what `plan` returned.
            folder, config, listener: as of `Trainer`.
            note: function that is told the warnings of a trial.
        """
        search = {"plan": plan.state(), "folder": str(folder.path), "config": config}
        self._forked.ask({"search": search}, Hearing(listener, note), self.check)
        return TrainerApart(self._forked, search, folder, listener, note)

    def close(self) -> None:
        """Ends the processes."""
        self._forked.close()


class TrainerApart:
    """Has trials trained by another process."""

    def __init__(self, forked, search, folder, listener, note):
        self._forked, self._search, self._folder = forked, search, folder
        self._listener, self._note = listener, note

    def train(self, trial: Any) -> dict[str, Any]:
        """As `Trainer.train`; a trial over which its process ended has failed."""
        first, epochs = span(trial.hyperparameters, self._search["plan"]["options"])
        with self._listener.bar(epochs, first) as bars:
            question = {"search": self._search, "trial": trial.get_state(), "shows": bool(bars)}
            hearing = Hearing(self._listener, self._note, bars)
            try:
                answer = self._forked.ask(question, hearing, self._listener.check_interrupted)
            except Ended as error:
                self._sweep(trial)
                raise kt.errors.FailedTrialError(str(error)) from error
            except KeyboardInterrupt:
                self.close()
                self._sweep(trial)
                raise
        trial.hyperparameters = kt.HyperParameters.from_config(answer["space"])
        if answer["failed"] is not None:
            raise kt.errors.FailedTrialError(answer["failed"])
        return answer["record"]

    def close(self) -> None:
        """Ends the process."""
        self._forked.close()

    def _sweep(self, trial):
        """Removes what a process was writing when it ended."""
        for path in self._folder.trial(trial.trial_id).glob(".new_*"):
            path.unlink(missing_ok=True)


class Answers:
    """Answers the questions of an `Apart`, in the process that was forked.

    Args:
        recipe, data: as of `Apart`.
    """

    def __init__(self, recipe: Any, data: Any):
        self.recipe, self.data = recipe, data
        self.trainer: Trainer | None = None
        self._first: int | None = None  # its memory after the first trial

    def __call__(self, question: dict, say: Callable) -> tuple[Any, bool]:
        match question:
            case {"plan": asked}:
                return Plan.make(self.recipe, self.data, **asked).state(), False
            case {"search": search, "trial": state, "shows": shows}:
                answer = self._trained(self._prepared(search, telling(say, shows)), state)
                return answer, self._has_grown()
            case {"search": search}:
                return self._prepared(search, telling(say)) and None, False
        raise ValueError(f"an unknown question: {sorted(question)}")

    def _prepared(self, search, listener):
        """The trainer of this process, whose listener is the one given."""
        if self.trainer is None:
            plan = Plan.restore(self.recipe, self.data, search["plan"])
            self.trainer = Trainer(plan, SearchFolder(search["folder"]), search["config"], listener)
        self.trainer.listener = listener
        return self.trainer

    def _trained(self, trainer, state):
        trial, record, failed = kt.engine.trial.Trial.from_state(state), None, None
        with contextlib.ExitStack() as stack:
            stack.enter_context(Warnings(trainer.listener.note).caught())
            try:
                record = trainer.train(trial)
            except Exception as error:  # whatever a trial dies of, the search goes on
                failed = reason(error)
        return {"space": trial.hyperparameters.get_config(), "record": record, "failed": failed}

    def _has_grown(self):
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._first = self._first or memory
        return memory > self._first + GROWTH
