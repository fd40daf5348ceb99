"""Training of a search's trials: each the run that its hyperparameters and the seed make."""

import gc
from typing import Any

import keras
import keras_tuner as kt

from keras_dl import runtime
from keras_dl.search.listener import Listener
from keras_dl.search.trial import KeepBest, values_text
from keras_dl.tasks import Context


class Trainer:
    """Trains trials in this process.

    Args:
        plan: `Plan`.
        folder: `SearchFolder`.
        config: the search's config, of which `tuner` and `features` count.
        listener: `Listener`.
    """

    def __init__(self, plan: Any, folder: Any, config: dict, listener: Listener):
        self.plan, self.folder, self.listener = plan, folder, listener
        context = Context(folder.path, plan.options, features=config.get("features"))
        context.track, context.say = listener.track, listener.say
        self.watches = plan.task.watches(plan.goal.name, plan.data, plan.options["epochs"], context)
        self.resumes = config["tuner"] == "hyperband"

    def train(self, trial: Any) -> dict[str, Any]:
        """Trains a trial's model and returns its record; its hyperparameters are then those that were asked for."""
        keras.backend.clear_session()
        gc.collect()
        hp, goal = trial.hyperparameters, self.plan.goal.objective
        model, options, values = self.plan.hypermodel.make(hp)
        # What a model does not ask for does not tell it from others.
        unused = [p for p in hp.space if p.name not in values]
        hp.values.update({p.name: p.default for p in unused})
        rows, (first, epochs) = [], span(hp, options)
        if "tuner/trial_id" in hp.values:
            model, rows = self._promoted(hp.values["tuner/trial_id"])
        self._announce(trial, values, first, epochs)
        check = self.listener.check_interrupted
        keeper = KeepBest(self.folder, trial.trial_id, goal, rows, self.resumes, check)
        training, held_out = self.plan.data.pipelines(options, self.plan.hypermodel.seed)
        options_of_fit = {"initial_epoch": first, "epochs": epochs, "validation_data": held_out, "verbose": 0}
        with self.listener.bar(epochs, first) as bar:
            callbacks = [*self.watches, keeper, *bar]
            self.plan.hypermodel.fit(hp, model, training, callbacks=callbacks, **options_of_fit)
        if keeper.best is None:
            raise kt.errors.FailedTrialError(f"{goal.name} was not measured")
        best = {"value": keeper.best[goal.name], "epoch": keeper.best["epoch"]}
        return {"hyperparameters": values, "fit": options, "history": keeper.rows, **best}

    def close(self) -> None:
        """Nothing is left to end."""

    def _promoted(self, trial_id):
        path = self.folder.last_model(trial_id)
        return keras.saving.load_model(path), self.folder.read_record(trial_id)["history"]

    def _announce(self, trial, values, first, epochs):
        searched = {p.name for p in trial.hyperparameters.space if not runtime.tuning.is_fixed(p)}
        text = values_text({name: value for name, value in values.items() if name in searched})
        if first:
            text = f"trial {int(trial.hyperparameters.values['tuner/trial_id'])} goes on to epoch {epochs}: {text}"
        self.listener.say(f"trial {int(trial.trial_id)}: {text}")


def span(hp: kt.HyperParameters, options: dict) -> tuple[int, int]:
    """The epochs that a trial has behind it, and those that it ends with.

    Args:
        hp: the trial's hyperparameters, among which Hyperband says how many it allots.
        options: the recipe's `fit_options`.
    """
    return hp.values.get("tuner/initial_epoch", 0), hp.values.get("tuner/epochs") or options["epochs"]
