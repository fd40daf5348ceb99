"""How steps become computations: what is compiled, and how many steps one call runs."""

import contextlib
import functools
import itertools
import math

import tensorflow as tf

from keras_dl.models.base.checking import check_batches, check_rows, without_none
from keras_dl.models.base.conditions import class_checks, refused_labels, unpack
from keras_dl.models.base.structure import has_convolutions, synchronizes

STACK = 16
_SMALL_STEP = 4e9  # floating-point operations below which a step is small: dispatch then costs a share worth saving
_STACK_BYTES = 64 * 2**20


def prefers_xla(model):
    """Whether XLA makes the model's training step faster.

    On accelerators Keras' own rule. On a CPU, XLA fuses dense networks well (a dense VAE's step takes 0.6 of the
    time), runs convolutions 1.3 to 1.5 times slower and sines 2.6 times slower (benchmarks/README.md). Under a strategy
    layers that exchange values with other replicas cannot stand in its computations.
    """
    if model.distributed and any(map(synchronizes, model.networks)):
        return False
    if any(device.device_type != "CPU" for device in tf.config.list_physical_devices()):
        return model._resolve_auto_jit_compile()
    slower = any(map(has_convolutions, model.networks)) or any(map(_is_sine, model._flatten_layers()))
    return bool(model.trainable_variables) and not slower


def _is_sine(layer):
    activation = getattr(layer, "activation", None)
    names = (type(layer).__name__, getattr(activation, "__name__", type(activation).__name__))
    return any(name.lower() in ("sin", "sine", "sinedense") for name in names)


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


def choose_stack(model, batch, steps=None):
    """How many steps one call should run: several where a step is small and its batches fit in memory."""
    if model.run_eagerly or model.distributed or any(u.every > 1 for u in model.updates):
        return 1
    tensors = tf.nest.flatten(batch)
    rows = int(tensors[0].shape[0])
    networks = {id(n): n for n in model.networks}.values()
    work = 3 * sum(floating_point_operations(network, rows) for network in networks)
    room = _STACK_BYTES // max(1, sum(t.dtype.size * math.prod(t.shape) for t in tensors))
    most = min(STACK if work < _SMALL_STEP else STACK // 4, room)
    if steps is None or most < 2:
        return max(1, most)
    # All but the last batch are surely full. Fewest steps left over by stacks of at least half the size.
    full = max(1, steps - 1)
    return min(range(min(most, full), min(most, full) // 2, -1), key=lambda count: full % count)


def train_function(model):
    """The function with which `fit` runs `model.steps_per_execution` steps, given an iterator over batches."""
    if model.distributed:
        return _replicated(model, model.run_updates, _wanted, _skipped)
    single = _compiled_step(model, model.train_step)
    stacked = _compiled_step(model, functools.partial(_train_stack, model), unknown_axes=2)
    classes = _classes(model)

    def function(iterator):
        batches = [without_none(batch) for batch in itertools.islice(iterator, _wanted(model))]
        if model.unchecked and batches:
            check_rows(model, tf.nest.flatten(batches[0])[0].shape[0])
        check_batches(model, batches, classes)
        if not batches:
            raise StopIteration
        batches = batches[_skipped(model, len(batches)) :]
        return _run(model, batches, single, stacked)

    return function


def test_function(model):
    """The function with which `evaluate` runs batches, given an iterator over them."""
    if model.distributed:
        return _replicated(model, model.run_evaluation, lambda model: model.steps_per_execution, lambda *_: 0)
    single = _compiled_step(model, model.test_step)
    classes = _classes(model)

    def function(iterator):
        logs = None
        for batch in itertools.islice(iterator, model.steps_per_execution):
            batch = without_none(batch)
            check_batches(model, [batch], classes)
            logs = single(batch)
        if logs is None:
            raise StopIteration
        return logs

    return function


def _classes(model):
    """The classes of the labels that come with the data, or `None`."""
    return model.condition_classes() if model.has_conditions else None


def _wanted(model):
    """How many batches the next call takes: no more than `steps_per_epoch` leaves of the epoch."""
    left = model.state.steps_left
    if left is None:
        return model.steps_per_execution
    count = min(model.steps_per_execution, left)
    model.state.steps_left -= count
    return count


def _skipped(model, available):
    """How many of the next batches were trained on before the run was resumed."""
    count = min(model.state.skip, available)
    model.state.skip -= count
    return count


def _run(model, batches, single, stacked):
    """Full batches of a full stack as one computation, else step by step: the same numbers either way."""
    shapes = {tuple(map(tuple, (t.shape for t in tf.nest.flatten(batch)))) for batch in batches}
    options = [_too_few_rows(model, batch) for batch in batches]
    if len(batches) == model.steps_per_execution > 1 and len(shapes) == 1 and not any(options):
        return stacked(tf.nest.map_structure(lambda *t: tf.stack(t), *batches))
    logs = {} if batches else model.get_metrics_result()
    for batch, option in zip(batches, options, strict=True):
        phase = {"phase": model.phase()} if model.period > 1 else {}
        logs = single(batch, **phase, **option)
    return logs


def _too_few_rows(model, batch):
    """What the step program is told of a batch that leaves inner updates without rows; a computation of its own."""
    rows = tf.nest.flatten(batch)[0].shape[0]
    return {"rows": rows} if rows < max(update.parts for update in model.updates) else {}


def _train_stack(model, stack):
    count = tf.shape(tf.nest.flatten(stack)[0])[0]

    def body(index):
        batch = tf.nest.map_structure(lambda t: t[index], stack)
        model.run_updates(batch)
        return index + 1

    tf.while_loop(lambda index: index < count, body, [tf.constant(0)])
    return model.get_metrics_result()


def compiled(function, unknown_axes=1, **options):
    """`function` as a `tf.function` with one trace for any number of rows.

    Full batches and tails share a graph, so that a resumed run computes with the graph of the uninterrupted one.

    Args:
        function: Function of tensors, nests of them, and `None`s.
        unknown_axes: How many of each tensor's first axes are unknown: 1 for batches, 2 for stacks of them.
        **options: Options of `tf.function`.
    """
    functions = {}

    def spec(tensor):
        unknown = min(unknown_axes, tensor.shape.rank)
        return tf.TensorSpec([*[None] * unknown, *tensor.shape[unknown:]], tensor.dtype)

    def call(*inputs, **static):
        inputs = tf.nest.map_structure(lambda value: None if value is None else tf.convert_to_tensor(value), inputs)
        given = [i for i, value in enumerate(inputs) if value is not None]
        specs = [tf.nest.map_structure(spec, inputs[i]) for i in given]
        key = repr((given, specs, static))
        if key not in functions:

            def traced(*tensors):
                filled = dict(zip(given, tensors, strict=True))
                return function(*[filled.get(i) for i in range(len(inputs))], **static)

            functions[key] = tf.function(traced, input_signature=specs, autograph=False, **options)
        return functions[key](*[inputs[i] for i in given])

    call.functions = functions
    return call


def _compiled_step(model, step, unknown_axes=1):
    return step if model.run_eagerly else compiled(step, unknown_axes, jit_compile=model.jit_compile)


def _replicated(model, step, wanted, skipped):
    """Runs `step` on every replica's part of each batch, batch after batch. XLA, if any, is in the gradients."""
    strategy = model.distribute_strategy
    classes = _classes(model)

    def run(batch, **options):
        def on_replica(batch):
            checks = [] if classes is None else class_checks(unpack(batch)[1], classes)
            with tf.control_dependencies([*tf.nest.flatten(batch), *checks]):  # without data no counter moves either
                step(batch, **options)

        strategy.run(on_replica, args=(batch,))
        return model.get_metrics_result()

    def on_iterator(iterator, **options):
        return run(without_none(next(iterator)), **options)

    if not model.run_eagerly:
        on_iterator = tf.function(on_iterator, autograph=False, reduce_retracing=True)

    def one(iterator):
        if skipped(model, 1):
            next(iterator)
            return model.get_metrics_result()
        options = {"phase": model.phase()} if model.period > 1 else {}
        if isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator)):
            return on_iterator(iterator, **options)
        return run(without_none(next(iterator)), **options)  # train_on_batch

    def function(iterator):
        logs = None
        with contextlib.suppress(StopIteration, tf.errors.OutOfRangeError), refused_labels():
            for _ in range(wanted(model)):
                logs = one(iterator)
        if logs is None:
            raise StopIteration
        return logs

    return function
