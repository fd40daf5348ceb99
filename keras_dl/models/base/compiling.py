"""What `compile` refuses before it changes anything, and how it takes optimizers."""

import warnings

import keras

from keras_dl.models.base.structure import synchronizes

TARGETS = ("loss", "loss_weights", "metrics", "weighted_metrics")


def check(model, jit_compile, steps_per_execution, options):
    """Refuses arguments of `ObjectiveModel.compile` that would otherwise be misread or passed over.

    Raises:
        ValueError: If one is out of range, or a loss or metrics are given to a model that knows what it minimises.
    """
    if not (jit_compile == "auto" or isinstance(jit_compile, bool)):
        raise ValueError(f"jit_compile should be True, False or 'auto'. Received: {jit_compile!r}")
    distributed = model.distributed
    if jit_compile is True and distributed and any(map(synchronizes, model.networks)):
        raise ValueError(
            "jit_compile should be 'auto' or False, as XLA cannot hold layers that are synchronized over replicas. "
            "Received: jit_compile=True"
        )
    count = steps_per_execution
    if count != "auto" and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise ValueError(f"steps_per_execution should be a positive integer or 'auto'. Received: {count!r}")
    given = [name for name in TARGETS if options.get(name) is not None]
    if given and not model.has_targets:
        name = type(model).__name__
        raise ValueError(
            f"{' and '.join(given)} should not be given: {name} minimises and tracks what its updates say. "
            f"Received: {given[0]}={options[given[0]]!r}"
        )


def take_optimizers(names, optimizer, options):
    """Takes the optimizers that a model has out of what `compile` was given; returns a dict by name.

    Args:
        names: The model's `optimizer_names`.
        optimizer: `compile`'s argument of that name.
        options: Dict of its other arguments, from which those named are removed.

    Raises:
        ValueError: If one is missing, or one object stands for two.
    """
    if names == ("optimizer",):
        return {"optimizer": optimizer}
    missing = [name for name in names if options.get(name) is None]
    if missing:
        raise ValueError(f"compile should be given {', '.join(names)}. Received no {', '.join(missing)}")
    taken = {name: options.pop(name) for name in names}
    objects = [o for o in taken.values() if isinstance(o, keras.optimizers.Optimizer)]
    if len({id(o) for o in objects}) < len(objects):
        raise ValueError(f"{' and '.join(names)} should be optimizers of their own. Received: one object twice")
    return taken


def prepare(model, optimizer):
    """Returns an optimizer from its name, config or itself, with loss scaling where the model has float16 layers."""
    if optimizer is None:
        raise ValueError("compile should be given an optimizer. Received: None")
    optimizer = keras.optimizers.get(optimizer)
    _check_optimizer(getattr(optimizer, "inner_optimizer", optimizer), model.distributed)
    half = any(layer.dtype_policy.name == "mixed_float16" for layer in model._flatten_layers())
    if half and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
    return optimizer


def _check_optimizer(optimizer, distributed):
    for option in ("gradient_accumulation_steps", "ema_overwrite_frequency") if distributed else ():
        if getattr(optimizer, option, None):
            raise ValueError(
                f"{option} should be None under a distribution strategy, which has no conditional updates. "
                f"Received: {option}={getattr(optimizer, option)}"
            )
    if getattr(optimizer, "use_ema", False):
        warnings.warn(
            "Keras gives the weights their averages where fit ends, so that a second fit, and one that is resumed, go "
            "on from these: give the model an ema_momentum, which keeps both. Received: an optimizer with use_ema=True",
            stacklevel=4,
        )
