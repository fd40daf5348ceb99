"""A recipe as a hypermodel of KerasTuner: what it asks for is what is searched."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner as kt
import numpy as np

from keras_dl import lazy
from keras_dl.checks import refusal
from keras_dl.models.base import NotFiniteError
from keras_dl.models.fitting.checking import is_arrays
from keras_dl.runtime.tuning import data, record, space

#: What of a recipe's `fit_options` goes to `fit`; what else they hold is for whoever makes the data.
FIT = tuple(inspect.signature(keras.Model.fit).parameters)
#: What `tuner.search` takes beside the data.
SEARCH = tuple(dict.fromkeys([name for name in FIT if name not in ("self", "x", "y")] + list(data.BATCHES)))


def hypermodel(build: Callable, data_spec: Any, fit_options: Callable | None = None, seed: int = 0) -> "Recipe":
    """Makes a recipe a `keras_tuner.HyperModel`, which every tuner of KerasTuner searches.

    The space is all that `build` and `fit_options` ask for, also what they ask for only after some choices: to find it,
    each value of each choice is built once. What they ask for as `hp.Fixed` stays theirs, unless the tuner is given a
    `hp.Fixed` of that name. Every trial starts from the same seed, so that it depends on its hyperparameters alone,
    and a trial that is run again gives the same result; further executions of a trial (`executions_per_trial`) start
    from other weights, noise and order of the data, which follow from the seed, too.

    `tuner.search` takes arrays, `search(x, y, validation_data=(x_test, y_test))`, which it divides into batches, or
    datasets, which stay as they are. What `search` is given (`batch_size`, `epochs`, `shuffle`, ...) comes before what
    `fit_options` says. A trial is given the epochs of `fit_options`, and under Hyperband as many of them as this
    allots: learning rate schedules are those of the whole run, which a promoted trial continues. A trial whose metrics
    are not finite after an epoch fails, with that as its message.

    The space is written beside the trials: a search that goes on after the recipe was given other ranges ends with a
    `keras_tuner.errors.FatalValueError`, as KerasTuner would go on in the old ranges.

    Args:
        build: Function `build(hp, data_spec)` that returns a compiled model.
        data_spec: What `build` is told of the data, a `keras_dl.data.DataSpec`.
        fit_options: Function `fit_options(hp)` that returns a dict: `batch_size`, `epochs` and options of
            `keras_dl.data.pipeline` (`binarize`: held-out data is then binarised once); others stay unused. `None` for
            none.
        seed: Integer from which initial weights, noise and the order of the data follow.

    Returns:
        A `keras_tuner.HyperModel`.

    Raises:
        TypeError: If `build` or `fit_options` is not a function.

    Example:

    >>> import tempfile
    >>> import keras_tuner as kt
    >>> (x, _), (x_test, _) = keras_dl.data.load("digits")
    >>> def build(hp, data_spec):
    ...     size = hp.Int("latent_size", 2, 8)
    ...     encoder = keras_dl.networks.mlp_encoder(data_spec.shape, size, hidden=(16,))
    ...     vae = keras_dl.models.VAE(encoder, keras_dl.networks.mlp_decoder(size, data_spec.shape, hidden=(16,)))
    ...     vae.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")))
    ...     return vae
    >>> recipe = keras_dl.runtime.hypermodel(build, keras_dl.data.DataSpec.of(x))
    >>> best = keras_dl.runtime.objective("elbo")
    >>> tuner = kt.RandomSearch(recipe, objective=best, max_trials=2, seed=1, directory=tempfile.mkdtemp())
    >>> tuner.search(x[:256], validation_data=(x_test,), epochs=1, verbose=0)
    >>> 2 <= tuner.get_best_hyperparameters()[0].get("latent_size") <= 8
    True
    """
    return Recipe(build, data_spec, fit_options, seed)


class Recipe(kt.HyperModel):
    """A recipe's functions as a `keras_tuner.HyperModel`; see `hypermodel`."""

    def __init__(self, build: Callable, data_spec: Any, fit_options: Callable | None = None, seed: int = 0):
        for name, function in (("build", build), ("fit_options", fit_options or build)):
            if not callable(function):
                raise refusal(f"{name} should be a function", f"{function!r}", error=TypeError)
        self.build_model, self.fit_options = build, fit_options or (lambda hp: {})
        self.data_spec, self.seed = data_spec, seed
        self.space = space.Space(self.ask)
        self._checked = set()  # folders of searches whose record of the space is this recipe's
        self._repeated = (None, 0)  # the hyperparameters of a trial that is executed again, and how often it was
        super().__init__()

    def make(self, hp: kt.HyperParameters) -> tuple:
        """Builds what some hyperparameters say.

        Args:
            hp: `keras_tuner.HyperParameters`; what the recipe asks for beside them is added, at its default.

        Returns:
            `(model, options, values)`: the compiled model, the dict of the recipe's `fit_options`, and the dict of
            every hyperparameter that the recipe asked for.
        """
        answers = space.told(hp.values)
        model, options = self.ask(answers, self._seed(hp))
        values = {p.name: answers.values[p.name] for p in answers.space if p.name in answers.values}
        hp.merge([p for p in answers.space if not space.is_fixed(p)], overwrite=False)
        hp.values.update({p.name: values[p.name] for p in hp.space if p.name in values})
        return model, options, values

    def ask(self, hp: kt.HyperParameters, seed: int | None = None) -> tuple[keras.Model, dict[str, Any]]:
        """Builds what the recipe makes of hyperparameters that hold values and have no space yet.

        Args:
            hp: `keras_tuner.HyperParameters`, whose space is filled.
            seed: Integer; `None` for the recipe's.

        Returns:
            `(model, options)`: the compiled model, and the dict of the recipe's `fit_options`.
        """
        keras.utils.set_random_seed(self.seed if seed is None else seed)
        model, options = self.build_model(hp, self.data_spec), self.fit_options(hp)
        self.space.note(hp)
        return model, options

    def build(self, hp: kt.HyperParameters) -> keras.Model:
        """Returns the compiled model."""
        return self.make(hp)[0]

    def declare_hyperparameters(self, hp: kt.HyperParameters) -> None:
        """Adds all that the recipe may ask for; KerasTuner calls it before the search.

        Raises:
            ImportError: If TensorBoard is not installed, which every trial of KerasTuner's tuners imports.
        """
        lazy.need("tensorboard.plugins.hparams", "A search by a tuner of KerasTuner's")
        parameters = self.explore({p.name: p.value for p in hp.space if space.is_fixed(p)})
        hp.merge([p for p in parameters.values() if not space.is_fixed(p)], overwrite=False)

    def explore(self, values: dict[str, Any] | None = None) -> Any:
        """Finds what the recipe may ask for, building each value of each choice once; see `space.Space.explore`."""
        return self.space.explore(values)

    def fit(
        self,
        hp: kt.HyperParameters,
        model: keras.Model,
        x: Any = None,
        y: Any = None,
        validation_data: Any = None,
        callbacks: Any = None,
        **options,
    ) -> keras.callbacks.History:
        """Trains a model that was built with the same hyperparameters.

        Returns:
            Its `History`; within a search, of the epochs that have the objective.
        """
        tuner = _tuner(callbacks)
        unknown = ", ".join(f"{name}={value!r}" for name, value in options.items() if name not in SEARCH)
        if unknown:
            expected = f"search should be given options of fit: {', '.join(SEARCH)}"
            raise refusal(expected, unknown, error=kt.errors.FatalTypeError)
        if tuner is not None:
            self._check_space(tuner, hp)
        said = self.fit_options(space.told(hp.values))
        if is_arrays(x):
            seeds = self._seed(hp), self.seed
            x, y, validation_data, options = data.batches(x, y, validation_data, said, options, *seeds)
        else:
            options = data.without_batches(said, options)
        options = {name: value for name, value in options.items() if name in FIT}
        finite = FiniteMetrics()
        callbacks = [finite, *(callbacks or [])]
        number = self._repeated[1] if self._repeated[0] is hp else 0
        self._repeated = (None, 0)
        try:
            history = model.fit(x, y, validation_data=validation_data, callbacks=callbacks, **options)
        except NotFiniteError as error:
            raise kt.errors.FailedTrialError(str(error)) from error
        if number + 1 < getattr(tuner, "executions_per_trial", 1):
            self._repeated = (hp, number + 1)
        return history if tuner is None else with_objective(history, finite.rows, tuner.oracle.objective)

    def _check_space(self, tuner, hp):
        """Refuses, once per search, a space that is not that of the search's first trial."""
        if tuner.project_dir not in self._checked:
            record.check(tuner.project_dir, self.explore({p.name: p.value for p in hp.space if space.is_fixed(p)}))
            self._checked.add(tuner.project_dir)

    def _seed(self, hp):
        """The seed of a trial's execution: the recipe's for the first."""
        repeated, number = self._repeated
        if hp is not repeated:
            return self.seed
        return int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])


def _tuner(callbacks):
    """The tuner of KerasTuner's that trains a trial, which a callback of its own knows; `None` without one."""
    tuners = [getattr(callback, "tuner", None) for callback in callbacks or []]
    return next((tuner for tuner in tuners if isinstance(tuner, kt.Tuner)), None)


def with_objective(history, rows, objective):
    """The history of a trial without epochs that lack its objective, such as those of a phase without its update.

    KerasTuner takes the values of every list for those of the first epochs.

    Args:
        history: `keras.callbacks.History`.
        rows: List of the logs of every epoch.
        objective: `keras_tuner.Objective`, or several as one.
    """
    names = [one.name for one in getattr(objective, "objectives", [objective])]
    epochs = [pair for pair in zip(history.epoch, rows, strict=False) if all(name in pair[1] for name in names)]
    if not epochs or len(epochs) == len(history.epoch):
        return history
    whole, logs = keras.callbacks.History(), [row for _, row in epochs]
    whole.epoch = [epoch for epoch, _ in epochs]
    common = [name for name in logs[0] if all(name in row for row in logs)]
    whole.history = {name: [row[name] for row in logs] for name in common}
    return whole


class FiniteMetrics(keras.callbacks.Callback):
    """Fails a trial whose metrics are not finite.

    Attributes:
        rows: List of the logs of every epoch.
    """

    def __init__(self):
        super().__init__()
        self.rows = []

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({} if logs is None else logs)  # to which later callbacks add
        broken = [name for name, value in (logs or {}).items() if not np.isfinite(value).all()]
        if broken:
            raise kt.errors.FailedTrialError(f"{', '.join(broken)} not finite in epoch {epoch + 1}")
