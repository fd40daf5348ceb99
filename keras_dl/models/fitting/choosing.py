"""What a run computes with: XLA or not, how many steps a call, and TensorFlow's own kernel for Adam."""

import functools
import math
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_dl.models.fitting.batches import without_none
from keras_dl.models.fitting.checking import check_rows

STACK = 16
_SMALL_STEP = 4e9  # floating-point operations below which a step is small: dispatch then costs a share worth saving
_STACK_BYTES = 64 * 2**20
# Seconds, measured on two cores (benchmarks/start.py): what XLA takes to compile a step, what of it is due to each
# inner update, and what a compiled step saves at least, or as a share of its work at so many operations a second.
_COMPILES, _COMPILES_AN_UPDATE = 2.0, 1.5
_SAVES, _SAVED_SHARE, _OPERATIONS_A_SECOND = 1e-3, 0.1, 6e10


class Choice(NamedTuple):
    """What a run computes with.

    Attributes:
        xla: Whether XLA compiles the training step.
        rows: The only number of rows of which it compiles batches, as it compiles each anew; `None` for any.
        stack: How many steps one call runs.
        exact: Whether the first length of batches gets a graph that knows it.
    """

    xla: bool
    rows: int | None
    stack: int
    exact: bool = True


class Work(NamedTuple):
    """What a step asks of a machine, which `compile` finds out.

    Attributes:
        operations: Floating-point operations of a row: a pass forward and one backward, of twice as many, through each
            network.
        suits_xla: Whether XLA makes the step faster.
    """

    operations: int
    suits_xla: bool

    @classmethod
    def of(cls, model, networks):
        """What the step of a model with these networks asks of this machine."""
        distinct = {id(network): network for network in networks}.values()
        operations = sum(floating_point_operations(network, 1) for network in distinct)
        return cls(3 * operations, prefers_xla(model, networks))


def choose(model, feed, steps, options, acts):
    """Chooses what a run computes with, from the shapes of batches; with replicas, checks the first.

    Args:
        model: The model.
        feed: `Feed` of the data.
        steps: Batches an epoch, or `None` where they are not known.
        options: Options of `fit`.
        acts: Whether a callback acts at every batch, so that steps should not be stacked behind its back.
    """
    spec, automatic = feed.spec, [name for name, choice in model.compile_choices.items() if choice == "auto"]
    choice = before_fit(model, **model.compile_choices, one_length=feed.one_length)
    reads = spec is not None and feed.alike
    checks = reads and model.stream is not None and model.distributed
    known = spec is not None and all(tensor.shape.is_fully_defined() for tensor in tf.nest.flatten(spec))
    if checks or (reads and not known and automatic):
        spec = next(iter(feed.data.take(1)), None)
        known = spec is not None
        if checks:  # on one device, the training function sees the rows
            model.stream.check([without_none(spec)] if known else [])
    if known:
        stepped = bool(options.get("steps_per_epoch"))
        choice = for_fit(model, choice, spec, steps, options.get("epochs", 1), stepped)
    if acts and "steps_per_execution" in automatic:
        choice = choice._replace(stack=1)
    take(model, choice)
    if known:
        check_rows(model, tf.nest.flatten(spec)[0].shape[0])


def before_fit(model, jit_compile, steps_per_execution, one_length=True):
    """What `compile` knows: the user's choice, and for `"auto"` what suits a long run of single steps.

    Where batches may have many lengths, `"auto"` is no XLA, which would compile for one that may not come again.

    Args:
        model: The model.
        jit_compile: Bool or `"auto"`.
        steps_per_execution: Integer or `"auto"`.
        one_length: Whether batches differ in their rows alone; `None` if it is not known.
    """
    xla = bool(one_length) and model.work.suits_xla if jit_compile == "auto" else bool(jit_compile)
    stack = 1 if steps_per_execution == "auto" else steps_per_execution
    return Choice(xla, None, stack, exact=one_length is not False)


def for_fit(model, choice, batch, steps, epochs, stepped=False):
    """What `choice` becomes in a `fit` of `epochs` times `steps` batches, given the first or its `tf.TensorSpec`s.

    It depends on what a resumed `fit` is given, too, which is how it comes to the same: the epochs are those of the
    whole run. Where the number of batches is not known the run counts as long.
    """
    if model.compile_choices["jit_compile"] == "auto" and choice.xla and not _has_accelerator():
        rows = int(tf.nest.flatten(batch)[0].shape[0])
        choice = choice._replace(xla=steps is None or pays_off(model, rows, steps * epochs), rows=rows)
    if model.compile_choices["steps_per_execution"] == "auto":
        choice = choice._replace(stack=choose_stack(model, batch, steps, stepped))
    return choice


def take(model, choice):
    """Lets the model's functions compute as chosen."""
    distributed = model.distributed
    for optimizer in (getattr(model, name) for name in model.optimizer_names):
        choose_kernel(optimizer, fused=not (choice.xla or distributed))
    model.program.compile_gradients = choice.xla and distributed
    model.jit_compile, model.xla_rows, model.steps_per_execution, model.knows_length = choice


def evaluates_by_xla(model):
    """Whether XLA compiles evaluations: where the user or an accelerator wants it, as a pass forward gains little."""
    return model.jit_compile and (model.compile_choices["jit_compile"] != "auto" or _has_accelerator())


def prefers_xla(model, networks):
    """Whether XLA makes the model's training step faster.

    On accelerators Keras' own rule. On a CPU, XLA fuses dense networks well (a dense VAE's step takes 0.6 to 0.9 of the
    time), runs convolutions 1.3 to 1.5 times slower and sines 2.6 times slower (benchmarks/README.md). Under a strategy
    layers that exchange values with other replicas cannot stand in its computations.
    """
    if not model.xla_ready or (model.distributed and any(map(synchronizes, networks))):
        return False
    if _has_accelerator():
        return model._resolve_auto_jit_compile()
    slower = any(map(has_convolutions, networks)) or any(map(_is_sine, model._flatten_layers()))
    return bool(model.trainable_variables) and not slower


def has_convolutions(network):
    """Whether a network has kernels of more than two axes."""
    return any(len(v.shape) > 2 for v in network.variables)


def synchronizes(network):
    """Whether a network has layers that exchange values with other replicas (batch normalization, `synchronized`)."""
    return any(getattr(layer, "synchronized", False) for layer in network._flatten_layers())


def pays_off(model, rows, steps):
    """Whether `steps` steps of batches of `rows` rows gain more by XLA than its compilation takes."""
    cost = _COMPILES + _COMPILES_AN_UPDATE * sum(update.repeats for update in model.updates)
    saved = max(_SAVES, _SAVED_SHARE * rows * model.work.operations / _OPERATIONS_A_SECOND)
    return steps * saved > cost


def choose_stack(model, batch, steps=None, stepped=False):
    """How many steps one call should run: several where a step is small and its batches fit in memory.

    Where `steps_per_epoch` says the `steps`, `stepped`, whole stacks fill an epoch, as Keras counts them.
    """
    if model.run_eagerly or model.distributed:
        return 1
    tensors = tf.nest.flatten(batch)
    room = _STACK_BYTES // max(1, sum(t.dtype.size * math.prod(t.shape) for t in tensors))
    small = int(tensors[0].shape[0]) * model.work.operations < _SMALL_STEP
    most = min(STACK if small else STACK // 4, room)
    if steps is None or most < 2:
        return max(1, most)
    if stepped:
        return max(count for count in range(1, min(most, steps) + 1) if steps % count == 0)
    # All but the last batch are surely full. Fewest steps left over by stacks of at least half the size.
    full = max(1, steps - 1)
    return min(range(min(most, full), min(most, full) // 2, -1), key=lambda count: full % count)


def floating_point_operations(network, rows):
    """Multiply-adds of a forward pass, twice, from the shapes of kernels and outputs; recurrent layers count once.

    A transposed convolution applies its kernel at the positions of its input.
    """
    total = 0
    for layer in network._flatten_layers(include_self=False):
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        side = "input" if "Transpose" in type(layer).__name__ else "output"
        shape = getattr(getattr(layer, side, None), "shape", ())
        total += 2 * rows * math.prod(kernel.shape) * math.prod(n or 1 for n in shape[1:-1])
    return total


def _has_accelerator():
    return any(device.device_type != "CPU" for device in tf.config.list_physical_devices())


def _is_sine(layer):
    activation = getattr(layer, "activation", None)
    names = (type(layer).__name__, getattr(activation, "__name__", type(activation).__name__))
    return any(name.lower() in ("sin", "sine", "sinedense") for name in names)


def choose_kernel(optimizer, fused):
    """Lets a Keras Adam move its weights by `ResourceApplyAdam`, which computes what Keras composes, or as Keras does.

    Worth 5% of a convolutional VAE's step (benchmarks/README.md). Only for whole steps of one device outside XLA, which
    fuses the composition itself. What surrounds an update (rates, clipping, weight decay, averages) stays Keras'; an
    AMSGrad, accumulated gradients, a subclass and variables of other types than float32 keep Keras' own steps.

    Args:
        optimizer: A built optimizer, perhaps inside a `LossScaleOptimizer`.
        fused: Whether to use the kernel where it can be used.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    optimizer.__dict__.pop("update_step", None)  # of an earlier compilation
    composed = type(optimizer) is not keras.optimizers.Adam or optimizer.amsgrad
    composed = composed or optimizer.gradient_accumulation_steps  # which Keras traces without variables
    if fused and not composed:
        optimizer.update_step = functools.partial(_update_step, optimizer)


def _update_step(optimizer, gradient, variable, learning_rate):
    """As `keras.optimizers.Adam.update_step`."""
    if variable.dtype != tf.float32:
        type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
        return
    index = optimizer._get_variable_index(variable)
    step = tf.cast(optimizer.iterations.value + 1, tf.float32)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[index].value.handle,
        v=optimizer._velocities[index].value.handle,
        beta1_power=tf.pow(optimizer.beta_1, step),
        beta2_power=tf.pow(optimizer.beta_2, step),
        lr=tf.cast(learning_rate, tf.float32),
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        grad=tf.convert_to_tensor(gradient),
    )
