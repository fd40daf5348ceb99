"""Oracles of KerasTuner, which propose what to try, with a book that a kill at any moment leaves whole."""

import os
import warnings
from pathlib import Path

import keras_tuner as kt
import numpy as np

from keras_dl.checks import refusal
from keras_dl.runs import records
from keras_dl.runtime.tuning.space import described, differences

#: Tuners by name, and what they are called.
TUNERS = {"random": "random search", "bayesian": "Bayesian optimization", "hyperband": "Hyperband"}
#: The most failures in a row before KerasTuner gives a search up: any number.
NEVER = 10**9
#: More trials than a search has.
MOST = 10**6
FACTOR = 3
#: What reading a damaged file of KerasTuner's may raise.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
STATUSES = {value for name, value in vars(kt.engine.trial.TrialStatus).items() if name.isupper()}
NUMBERS = {kt.engine.hyperparameters.Int: int, kt.engine.hyperparameters.Float: float}


def create(kind, folder, trials, epochs, seed, **options):
    """Makes an oracle, which goes on from the book in the folder if there is one.

    Args:
        kind: one of `TUNERS`.
        folder: `SearchFolder`.
        trials: how many trials at most.
        epochs: passes over the data per trial; the largest number for Hyperband.
        seed: integer from which all proposals follow.
        **options: `objective` and `hyperparameters`, the space.

    Raises:
        ValueError: if there is no tuner of that name.
    """
    if kind not in TUNERS:
        raise refusal(f"`kind` should be one of {', '.join(TUNERS)}", kind=kind)
    seed = int(np.random.SeedSequence(seed).generate_state(1)[0]) or 1  # an oracle takes 0 for no seed
    options |= {"seed": seed, "max_consecutive_failed_trials": NEVER}
    if kind == "hyperband":
        return Hyperband(folder, trials, max_epochs=epochs, factor=FACTOR, **options)
    if kind == "bayesian":
        # KerasTuner's own default, thrice as many as there are hyperparameters, would leave most searches random.
        first = max(3, trials // 3)
        return Bayesian(folder, max_trials=trials, num_initial_points=first, **options)
    return Random(folder, max_trials=trials, **options)


class Book(kt.Oracle):
    """What is added to every oracle.

    Files are written whole. What was under way at a kill is run again, what had ended is not. Proposals lie in their
    ranges, which KerasTuner's may leave by a rounding, or by one for whole numbers.

    Args:
        folder: `SearchFolder`.
        **options: the oracle's.
    """

    # Of KerasTuner, which replaces them.
    trials: dict
    _retry_queue: list

    def __init__(self, folder, **options):
        self.folder = folder
        super().__init__(**options)
        self.verbose = 0
        self.told = set()

    def save(self):
        self.folder.write_json(Path(self._get_oracle_fname()), self.get_state())

    def _save_trial(self, trial):
        self.folder.write_json(self.folder.trial(trial.trial_id) / "trial.json", trial.get_state())

    def take_up(self):
        """Goes on from the book in the folder, if there is one.

        Raises:
            ValueError: if it cannot be read, or tells of a search in another space.
        """
        path = Path(self._get_oracle_fname())
        trials = sorted(path.parent.glob("trial_*/trial.json"))
        if not os.path.lexists(path):
            # The book follows the first trial's file, and goes before its record.
            if len(trials) > 1 or any(path.parent.glob("trial_*/record.json")):
                raise _unreadable(path, "it is missing, and there are trials; restore it, or search elsewhere")
            return
        space = self.hyperparameters
        for part in trials:
            _check_trial(part)
        try:
            begun = records.read_json(path, {"start_order": list})["start_order"]
            lost = [part for part in (self.folder.trial(name) / "trial.json" for name in begun) if part not in trials]
            if not lost:
                self.reload()
        except UNREADABLE as error:
            raise _unreadable(path, error) from error
        if lost:
            raise _unreadable(lost[0], "it is missing")
        self._check_space(space)

    def _check_space(self, space):
        """Refuses to go on in another space: the book's own may hold more, what only values of numbers opened."""
        old, new = ({p.name: described(p) for p in hp.space} for hp in (self.hyperparameters, space))
        texts = differences({name: old[name] for name in old if name in new}, new)
        if texts:
            begun = f"the search in {self.folder.path} began with other hyperparameters than the recipe asks for now"
            raise refusal(f"{begun}; search into another folder", f"{'; '.join(texts)}")

    def reload(self):
        super().reload()
        # A trial whose file was written, but not yet the book, was never begun.
        self.trials = {name: self.trials[name] for name in sorted(self.start_order, key=int)}
        waiting = {name for name in self._retry_queue if self.trials[name].status not in ("COMPLETED", "FAILED")}
        self.end_order += [name for name in self.start_order if name not in waiting and name not in self.end_order]
        self._retry_queue = sorted(waiting, key=int, reverse=True)
        for trial in (self.trials[name] for name in waiting):
            trial.metrics = type(trial.metrics)()  # what an interrupted one reported

    def create_trial(self, tuner_id):
        trial = super().create_trial(tuner_id)
        if trial.status == "STOPPED":
            self.told.add(tuner_id)
        return trial

    def populate_space(self, trial_id):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # how well a Gaussian process converged
            proposed = super().populate_space(trial_id)
        values = proposed.get("values") or {}
        for parameter in self.hyperparameters.space:
            if parameter.name in values and type(parameter) in NUMBERS:
                value = min(max(values[parameter.name], parameter.min_value), parameter.max_value)
                values[parameter.name] = NUMBERS[type(parameter)](value)
        return proposed


class Random(Book, kt.oracles.RandomSearchOracle):
    """Values drawn at random."""


class Bayesian(Book, kt.oracles.BayesianOptimizationOracle):
    """Values where a Gaussian process, fitted to the results so far, sees the best chance."""

    def populate_space(self, trial_id):
        # Its draws follow from the trials so far, so that a search that is resumed proposes what it would have.
        self._random_state = np.random.RandomState((self.seed + len(self.trials)) % 2**32)
        return super().populate_space(trial_id)


class Hyperband(Book, kt.oracles.HyperbandOracle):
    """Many short trials, of which the best go on (Li et al. 2018), until there are enough of them.

    KerasTuner's begins with the largest bracket, whatever number of trials there is: too few would end before one was
    promoted. This one begins with the largest that they fill.

    Args:
        folder: `SearchFolder`.
        trials: how many trials at most, promoted ones counted anew.
        **options: the oracle's.
    """

    def __init__(self, folder, trials, **options):
        self.wanted = trials
        super().__init__(folder, hyperband_iterations=None, **options)
        self.max_trials = trials

    def _get_num_brackets(self):
        brackets = super()._get_num_brackets()
        while brackets > 1 and self._trials_of(brackets - 1) > self.wanted:
            brackets -= 1
        return brackets

    def _trials_of(self, bracket):
        return sum(self._get_size(bracket, number) for number in range(bracket + 1))


def _check_trial(path):
    """Refuses a trial's file that KerasTuner cannot read, or reads as another trial's."""
    try:
        trial = kt.engine.trial.Trial.load(str(path))
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    if path.parent.name != f"trial_{trial.trial_id}" or trial.status not in STATUSES:
        raise _unreadable(path, f"it holds trial {trial.trial_id!r}, {trial.status!r}")


def _unreadable(path, error):
    folder = path.parent.parent if path.parent.name.startswith("trial_") else path.parent
    return refusal(f"the book in {folder} cannot be read: {path}: {error}", path)


def ranked(oracle):
    """All trials: those that completed from the best to the worst, then the others."""
    return oracle.get_best_trials(MOST)


def count(oracle):
    """How many trials have ended, and how many of these failed."""
    ended = [trial.status for trial in oracle.trials.values() if trial.status in ("COMPLETED", "FAILED")]
    return len(ended), ended.count("FAILED")
