"""What `compile` refuses before it changes anything, and how it takes optimizers."""

import inspect
import warnings

import keras

from keras_dl.checks import refusal
from keras_dl.models.base.carried import EpochSum
from keras_dl.models.base.update import check_updates, intervals_of
from keras_dl.models.fitting.choosing import synchronizes

_ADAM = {"class_name": "Adam", "config": {}}
_OF_OPTIMIZERS = set(inspect.signature(keras.optimizers.Adam).parameters)
TARGETS = ("loss", "loss_weights", "metrics", "weighted_metrics")


def check(model, jit_compile, steps_per_execution, options):
    """Refuses arguments of `ObjectiveModel.compile` that would otherwise be misread or passed over.

    Raises:
        ValueError: If one is out of range, or a loss or metrics are given to a model that knows what it minimises.
    """
    _check_jit_compile(model, jit_compile)
    unknown = sorted(set(options) - {*TARGETS, *model.optimizer_names})
    if unknown:
        own = ", ".join(f"{name}={options[name]!r}" for name in unknown)
        hint = f": keras.optimizers.Adam({own})" if set(unknown) <= _OF_OPTIMIZERS else ""
        raise refusal(
            f"{' and '.join(unknown)} should be given to the optimizer or left out, as compile takes none{hint}",
            own,
            error=TypeError,
        )
    count = steps_per_execution
    if count != "auto" and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise refusal("steps_per_execution should be a positive integer or 'auto'", f"{count!r}")
    refused = [name for name in TARGETS if options.get(name) is not None]
    if refused and not model.has_targets:
        name = type(model).__name__
        raise refusal(
            f"{' and '.join(refused)} should not be given: {name} minimises and tracks what its updates say",
            f"{refused[0]}={options[refused[0]]!r}",
        )


def _check_jit_compile(model, jit_compile):
    if not (jit_compile == "auto" or isinstance(jit_compile, bool)):
        raise refusal("jit_compile should be True, False or 'auto'", jit_compile=jit_compile)
    if jit_compile is not True:
        return
    if model.distributed and any(map(synchronizes, model.networks)):
        raise refusal(
            "jit_compile should be 'auto' or False, as XLA cannot hold layers that are synchronized over replicas",
            "jit_compile=True",
        )
    if not model.xla_ready:
        raise refusal(
            "jit_compile should be 'auto' or False, as XLA cannot hold what this model computes in Python",
            "jit_compile=True",
        )


def take_optimizers(model, optimizer, options):
    """Takes the optimizers that a model has out of what `compile` was given; returns a dict by name.

    Args:
        model: The model.
        optimizer: `compile`'s argument of that name: `"auto"`, one of the model's `optimizer_names`, or an optimizer.
        options: Dict of its other arguments, from which those named are removed.

    Raises:
        ValueError: If one is missing, or one object stands for two.
    """
    names = model.optimizer_names
    automatic = isinstance(optimizer, str) and optimizer == "auto"
    if names == ("optimizer",):
        return {"optimizer": model.paper_optimizers.get("optimizer", "adam") if automatic else optimizer}
    missing = [name for name in names if options.get(name) is None]
    if missing and optimizer not in (None, *names) and (not automatic or len(missing) == len(names)):
        for name in missing:
            options[name] = dict(model.paper_optimizers.get(name, _ADAM)) if automatic else copy_of(optimizer)
    elif missing:
        raise ValueError(f"compile should be given {', '.join(names)}. Received no {', '.join(missing)}")
    taken = {name: options.pop(name) for name in names}
    objects = [o for o in taken.values() if isinstance(o, keras.optimizers.Optimizer)]
    if len({id(o) for o in objects}) < len(objects):
        raise refusal(f"{' and '.join(names)} should be optimizers of their own", "one object twice")
    return taken


def copy_of(optimizer):
    """An optimizer like another; names and configs stand for new ones anyway."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return optimizer
    return type(optimizer).from_config(optimizer.get_config())


def prepare(model, optimizer, auto_scale_loss=True):
    """Returns an optimizer from its name, config or itself, with loss scaling where the model has float16 layers."""
    if optimizer is None:
        raise refusal("compile should be given an optimizer", "None")
    try:
        optimizer = keras.optimizers.get(optimizer)
    except ValueError as error:
        text = "optimizer should be a keras.optimizers.Optimizer, its name or its config"
        raise refusal(text, optimizer=optimizer) from error
    _check_optimizer(getattr(optimizer, "inner_optimizer", optimizer), model.distributed)
    half = auto_scale_loss and any(layer.dtype_policy.name == "mixed_float16" for layer in model._flatten_layers())
    if half and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
    return optimizer


def updates_of(model, optimizers):
    """A model's updates; its optimizers, built for the weights that they move, and the sums become part of the model.

    Args:
        model: The model.
        optimizers: Dict of prepared optimizers by name, in which those that are rescaled are replaced.

    Returns:
        `(updates, configs)`: the tuple of updates, and by name the configs of the optimizers before they were rescaled.
    """
    updates = check_updates(model, model.make_updates(*optimizers.values()), optimizers.values())
    intervals = intervals_of(updates)
    lazy = {name: optimizer for name, optimizer in optimizers.items() if id(optimizer) in intervals}
    configs = {name: keras.saving.serialize_keras_object(optimizer) for name, optimizer in lazy.items()}
    if lazy:
        optimizers.update({name: rescaled(optimizer, intervals[id(optimizer)]) for name, optimizer in lazy.items()})
        updates = tuple(model.make_updates(*optimizers.values()))
    for name, optimizer in optimizers.items():
        setattr(model, name, optimizer)
        own = [update for update in updates if update.optimizer is optimizer]
        moved = {id(v): v for update in own for v in update.variables}
        if own and not moved:
            text = f"`{name}` moves no weight: all layers of the networks that it trains are frozen"
            warnings.warn(f"{text}; set `trainable` of each to train them", stacklevel=2)
        if not optimizer.built:
            optimizer.build(list(moved.values()))
    for name, shape in [item for update in updates for item in update.sums.items()]:
        if name not in model.carried:
            model.carry(name, EpochSum(shape))
    return updates, configs


def rescaled(optimizer, interval):
    """A copy of an optimizer for weights that a second update moves in every `interval` steps only.

    With `c = interval / (interval + 1)` its rate is `c` times the given one and each beta the given one's power `c`.
    """
    share = interval / (interval + 1)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        config = optimizer.get_config()
        inner = rescaled(optimizer.inner_optimizer, interval)
        options = {name: value for name, value in config.items() if name in ("initial_scale", "dynamic_growth_steps")}
        return keras.optimizers.LossScaleOptimizer(inner, name=optimizer.name, **options)
    config = optimizer.get_config()
    rate = optimizer._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        config["learning_rate"] = Scaled(rate, share)
    else:
        config["learning_rate"] = float(config["learning_rate"]) * share
    config |= {beta: config[beta] ** share for beta in ("beta_1", "beta_2") if beta in config}
    return type(optimizer).from_config(config)


@keras.saving.register_keras_serializable(package="keras_dl")
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of learning rates, times a constant.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule`.
        factor: The constant.
    """

    def __init__(self, schedule, factor):
        self.schedule, self.factor = schedule, factor

    def __call__(self, step):
        return self.factor * self.schedule(step)

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])


def _check_optimizer(optimizer, distributed):
    for option in ("gradient_accumulation_steps", "ema_overwrite_frequency") if distributed else ():
        if getattr(optimizer, option, None):
            raise refusal(
                f"{option} should be None under a distribution strategy, which has no conditional updates",
                f"{option}={getattr(optimizer, option)}",
            )
    if getattr(optimizer, "use_ema", False):
        warnings.warn(
            "Keras gives the weights their averages where fit ends, so that a second fit, and one that is resumed, go "
            "on from these: give the model an ema_momentum, which keeps both. Received: an optimizer with use_ema=True",
            stacklevel=4,
        )
