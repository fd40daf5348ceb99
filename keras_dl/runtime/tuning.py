"""Hyperparameter search with KerasTuner: what a recipe asks for is what is searched."""

import inspect
import math
import warnings

import keras
import keras_tuner as kt

from keras_dl.data.pipeline import pipeline
from keras_dl.metrics.directions import direction, logged_name
from keras_dl.models.base.fitting import is_arrays


def objective(name, held_out=True):
    """Returns the `keras_tuner.Objective` of a metric, with the direction in which it is better.

    Args:
        name: Name of a metric of `keras_dl` (`"elbo"`, `"kid"`, `"psnr"`, ...) or of Keras (`"accuracy"`,
            `"mean_squared_error"`, ...), where a `val_` before it changes nothing; or the metric, such as one of your
            own with an attribute `direction`.
        held_out: Whether it is the value on held-out data, which Keras logs as `val_<name>`.

    Raises:
        ValueError: If it is not known which values of the metric are better; see `keras_dl.metrics.direction`.

    Example:

    >>> best = keras_dl.runtime.objective("kid")
    >>> best.name, best.direction
    ('val_kid', 'min')
    """
    logged = logged_name(getattr(name, "name", name))
    return kt.Objective(f"val_{logged}" if held_out else logged, direction(name))


def hypermodel(build, data_spec, fit_options=None, seed=0):
    """Makes a recipe a `keras_tuner.HyperModel`, which every tuner of KerasTuner searches.

    The space is all that `build` and `fit_options` ask for, also what they ask for only after some choices: each value
    of each choice is built once to find it. What they ask for as `hp.Fixed` stays theirs, unless the tuner is given a
    `hp.Fixed` of that name. Every trial starts from the same seed, so that it depends on its hyperparameters alone,
    and a trial that is run again gives the same result.

    `tuner.search` takes arrays, `search(x, y, validation_data=(x_test, y_test))`, and divides them into batches as
    `fit_options` says, or datasets, which stay as they are. A trial is given the epochs of `fit_options`, and under
    Hyperband as many of them as this allots: learning rate schedules are those of the whole run, which a promoted trial
    continues. A trial whose metrics are not finite after an epoch fails, with that as its message.

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

    def __init__(self, build, data_spec, fit_options=None, seed=0):
        for name, function in (("build", build), ("fit_options", fit_options or build)):
            if not callable(function):
                raise TypeError(f"{name} should be a function. Received: {function!r}")
        self.build_model, self.fit_options = build, fit_options or (lambda hp: {})
        self.data_spec, self.seed = data_spec, seed
        super().__init__()

    def make(self, hp):
        """Builds what some hyperparameters say.

        Args:
            hp: `keras_tuner.HyperParameters`; what the recipe asks for beside them is added, at its default.

        Returns:
            `(model, options, values)`: the compiled model, the dict of the recipe's `fit_options`, and the dict of
            every hyperparameter that the recipe asked for.
        """
        model, options, asked = self._ask(hp.values)
        values = {p.name: asked.values[p.name] for p in asked.space if p.name in asked.values}
        hp.merge([p for p in asked.space if not is_fixed(p)], overwrite=False)
        hp.values.update({p.name: values[p.name] for p in hp.space if p.name in values})
        return model, options, values

    def build(self, hp):
        """Returns the compiled model."""
        return self.make(hp)[0]

    def declare_hyperparameters(self, hp):
        """Adds all that the recipe may ask for; KerasTuner calls it before the search."""
        found = self.explore({p.name: p.value for p in hp.space if is_fixed(p)})
        hp.merge([p for p in found.values() if not is_fixed(p)], overwrite=False)

    def explore(self, values=None):
        """Finds what the recipe may ask for, building each value of each choice once.

        Args:
            values: Dict of hyperparameters that are given, and not explored.

        Returns:
            Dict of `keras_tuner` hyperparameters by name, in the order in which the recipe asks for them.
        """
        values, found = values or {}, {}
        waiting, tried = [{}], set()
        while waiting:
            told = waiting.pop(0)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    asked = self._ask({**told, **values})[2]
            except Exception:
                if not told:
                    raise
                continue  # choices that do not go together: a trial that meets them will say why
            for parameter in asked.space:
                found.setdefault(parameter.name, parameter)
                if not isinstance(parameter, CHOICES) or parameter.name in values:
                    continue
                tried.add((parameter.name, asked.values.get(parameter.name)))
                new = [value for value in parameter.values if (parameter.name, value) not in tried]
                tried.update((parameter.name, value) for value in new)
                waiting += [{**told, parameter.name: value} for value in new]
        return found

    def fit(self, hp, model, x=None, y=None, validation_data=None, callbacks=None, **options):
        """Trains a model that was built with the same hyperparameters; returns its `History`."""
        asked = {**self.fit_options(_copy(hp.values)), **options}
        given = {name: asked[name] for name in ("batch_size", "binarize", "drop_remainder") if name in asked}
        asked = {name: value for name, value in asked.items() if name in FIT and name not in given}
        if is_arrays(x) and "batch_size" in given:
            x, y = pipeline(x, y, seed=self.seed, **given), None
            if validation_data is not None and is_arrays(validation_data):
                validation_data = self._held_out(validation_data, **given)
        callbacks = [FiniteMetrics(), *(callbacks or [])]
        return model.fit(x, y, validation_data=validation_data, callbacks=callbacks, **asked)

    def _held_out(self, data, batch_size, binarize=None, **_):
        """Held-out arrays in order, the same at every pass."""
        x, y, weight = (*(data if isinstance(data, (tuple, list)) else (data,)), None, None)[:3]
        binarize = "static" if binarize else None
        return pipeline(x, y, batch_size, sample_weight=weight, shuffle=False, seed=self.seed, binarize=binarize)

    def _ask(self, values):
        """`(model, options, asked)` of a recipe that is told some values."""
        keras.utils.set_random_seed(self.seed)
        asked = _copy(values)
        return self.build_model(asked, self.data_spec), self.fit_options(asked), asked


class FiniteMetrics(keras.callbacks.Callback):
    """Fails a trial whose metrics are not finite."""

    def on_epoch_end(self, epoch, logs=None):
        broken = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if broken:
            raise kt.errors.FailedTrialError(f"{', '.join(broken)} not finite in epoch {epoch + 1}")


#: What of a recipe's `fit_options` goes to `fit`; what else they hold is for whoever makes the data.
FIT = tuple(inspect.signature(keras.Model.fit).parameters)
CHOICES = (kt.engine.hyperparameters.Choice, kt.engine.hyperparameters.Boolean)


def is_fixed(parameter):
    """Whether a hyperparameter is a `hp.Fixed`, which no search changes."""
    return isinstance(parameter, kt.engine.hyperparameters.Fixed)


def _copy(values):
    """Hyperparameters that hold values and have no space yet."""
    hp = kt.HyperParameters()
    hp.values.update(values)
    return hp
