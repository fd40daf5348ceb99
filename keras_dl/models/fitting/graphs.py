"""Functions as graphs, one for any number of rows, two for any lengths of other axes, that hold their own gradients."""

import functools
import inspect
import itertools

import tensorflow as tf
from tensorflow.python.framework import ops  # TensorFlow does not export its list of gradients

_CUSTOM = "CustomGradient-"
_released = 0
_XLA_ROWS = 4  # numbers of rows for which XLA compiles before a plain graph takes over: it compiles anew for each


def traced_alone(function, autograph=False, **options):
    """`function` as a `tf.function` whose traces are counted by themselves, and whose graphs are freed with it.

    TensorFlow counts traces by a function's code and warns of retracing at the fifth. A function that is defined within
    another has one code for all models and batches, which would trace it too often together, though each does once.

    Args:
        function: Function of tensors.
        autograph: Whether Python's conditions and loops over tensors become graphs.
        **options: Options of `tf.function`.
    """
    return tf.function(functools.partial(_traced, function), autograph=autograph, **options)


def _traced(function, *tensors):
    """What a trace runs."""
    results = function(*tensors)
    release()
    return results


def compiled(function, unknown_axes=1, exact=True, **options):
    """`function` as a `tf.function` with one trace for any number of rows.

    Full batches and tails share a graph, so that a resumed run computes with the graph of the uninterrupted one. Data
    of many lengths (sentences, images of several sizes) have two: one for the first length, which knows it, and one for
    all others, which knows the axes that do not differ: convolutions prepare themselves anew for each size where they
    do not know their channels. XLA compiles anew for each shape, so that it takes the first length alone, at the first
    four numbers of rows.

    Args:
        function: Function of tensors, nests of them, and `None`s, and of options by name, of which those that are no
            tensors each get a graph of their own.
        unknown_axes: How many of each tensor's first axes are unknown: 1 for batches, 2 for stacks of them.
        exact: Whether the first length gets a graph of its own.
        **options: Options of `tf.function`.
    """
    kinds, functions = {}, {}

    def call(*inputs, **static):
        # Tensors by name are inputs, too: as constants each of their values would be traced anew.
        names = [name for name, value in static.items() if tf.is_tensor(value)]
        inputs = *inputs, *[static.pop(name) for name in names]
        inputs = tf.nest.map_structure(lambda value: None if value is None else tf.convert_to_tensor(value), inputs)
        present = [i for i, value in enumerate(inputs) if value is not None]
        tensors = [inputs[i] for i in present]
        ranks = tf.nest.map_structure(lambda tensor: (tensor.dtype.name, tensor.shape.rank), tensors)
        key = repr((present, ranks, names, static))
        if key not in kinds:

            def traced(*tensors):
                filled = dict(zip(present, tensors, strict=True))
                values = [filled.get(i) for i in range(len(inputs))]
                unnamed = len(inputs) - len(names)
                return function(*values[:unnamed], **dict(zip(names, values[unnamed:], strict=True)), **static)

            kinds[key] = Graphs(traced, unknown_axes, exact, options, functions, key)
        return kinds[key](tensors)

    call.__dict__["functions"] = functions
    return call


class Graphs:
    """The graphs of a function of tensors of fixed ranks and dtypes.

    Args:
        function: Function of tensors and nests of them.
        unknown_axes: How many of each tensor's first axes are unknown.
        exact: Whether the first length gets a graph of its own.
        options: Options of `tf.function`.
        functions: Dict that the `tf.function`s go into, shared by all kinds of tensors.
        key: What tells this kind in it.
    """

    def __init__(self, function, unknown_axes, exact, options, functions, key):
        self.function, self.unknown_axes, self.exact, self.options = function, unknown_axes, exact, options
        self.functions, self.key = functions, key
        self._first, self._general, self._xla_shapes, self._needs_sizes = None, None, set(), False

    def __call__(self, tensors):
        flat = tf.nest.flatten(tensors)
        shapes = tuple(tuple(t.shape) for t in flat)
        known = tuple(self._known(shape) for shape in shapes)
        if self.exact and self._first is None:
            self._first = known
        if known == self._first or self._needs_sizes:
            return self._function(known, tensors, self._by_xla(shapes))(*tensors)
        before = self._general or self._first or (None,) * len(flat)
        self._general = tuple(map(self._wider, flat, known, before))
        try:
            return self._function(self._general, tensors, xla=False)(*tensors)
        except (ValueError, TypeError):  # a network that needs to know its sizes
            self._needs_sizes = True
            return self._function(known, tensors, self._by_xla(shapes))(*tensors)

    def _known(self, shape):
        unknown = min(self.unknown_axes, len(shape))
        return (None,) * unknown + shape[unknown:]

    def _wider(self, tensor, shape, before):
        """Sizes that hold for a shape and for those `before` it: of a tensor whose sizes differ its channels at most.

        Args:
            tensor: The tensor.
            shape: Its shape, the first axes unknown.
            before: What was known of it; `None` where its sizes differ from the start.
        """
        if before is not None and all(size in (None, new) for size, new in zip(before, shape, strict=True)):
            return before
        has_channels = tensor.dtype.is_floating and len(shape) - self.unknown_axes > 1
        channels = shape[-1] if has_channels and (before is None or before[-1] == shape[-1]) else None
        return (*[None] * (len(shape) - 1), channels) if shape else shape

    def _by_xla(self, shapes):
        """Whether XLA is to take batches of these shapes, which it has compiled for or still may."""
        if len(self._xla_shapes) < _XLA_ROWS:
            self._xla_shapes.add(shapes)
        return bool(self.options.get("jit_compile")) and shapes in self._xla_shapes

    def _function(self, shapes, tensors, xla):
        key = self.key, shapes, xla
        if key not in self.functions:
            rows = iter(shapes)
            specs = tf.nest.map_structure(lambda tensor: tf.TensorSpec(next(rows), tensor.dtype), tensors)
            options = {**self.options, "jit_compile": xla}
            self.functions[key] = traced_alone(self.function, input_signature=specs, **options)
        return self.functions[key]


@tf.autograph.experimental.do_not_convert
def release():
    """Lets every graph that was traced since the last call be freed once nobody else holds it.

    `tf.custom_gradient`, of which swish is one, enters a function for each of its calls into a list of the process. The
    function holds tensors, and they hold their graph with all that was compiled of it. From here on the graph holds the
    function, and the list has one that asks the graph of its operation.
    """
    global _released
    entries = ops.gradient_registry._registry
    if len(entries) == _released:
        return
    new = list(itertools.islice(entries.items(), _released, None))
    _released = len(entries)
    for name, entry in new:
        graph = _graph_of(entry["type"]) if name.startswith(_CUSTOM) else None
        if graph is not None:
            if not hasattr(graph, "own_gradients"):
                graph.own_gradients = {}
            graph.own_gradients[name] = entry["type"]
            entry["type"] = _asking(name)


def _asking(name):
    """A gradient that the graph of its operation knows."""

    def gradient(operation, *of_results):
        return operation.graph.own_gradients[name](operation, *of_results)

    return gradient


def _graph_of(gradient):
    """The graph whose tensors a custom gradient holds; `None` if it is not one as TensorFlow 2.21 writes it."""
    on_tape = inspect.getclosurevars(gradient).nonlocals.get("tape_grad_fn")
    if on_tape is None:
        return None
    results = tf.nest.flatten(inspect.getclosurevars(on_tape).nonlocals.get("result"), expand_composites=True)
    return next((tensor.graph for tensor in results if hasattr(tensor, "graph")), None)
