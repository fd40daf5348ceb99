"""Functions as graphs: one for any number of rows, and few for any lengths of the other axes."""

import functools

import tensorflow as tf

_EXACT = 3  # shapes, beside the number of rows, that get a graph each before one takes all
_XLA_SHAPES = 4  # shapes for which XLA compiles before plain graphs take over: it compiles anew for each


def traced_alone(function, autograph=False, **options):
    """`function` as a `tf.function` whose traces are counted by themselves.

    TensorFlow counts traces by a function's code and warns of retracing at the fifth. A function that is defined within
    another has one code for all models and batches, which would trace it too often together, though each does once.

    Args:
        function: Function of tensors.
        autograph: Whether Python's conditions and loops over tensors become graphs.
        **options: Options of `tf.function`.
    """
    return tf.function(functools.partial(function), autograph=autograph, **options)


def compiled(function, unknown_axes=1, **options):
    """`function` as a `tf.function` with one trace for any number of rows.

    Full batches and tails share a graph, so that a resumed run computes with the graph of the uninterrupted one. Data
    of many lengths (sentences, say) have a graph each for the first three; from then on one graph takes all lengths.
    XLA compiles for the first four shapes, the number of rows included; others run as one plain graph.

    Args:
        function: Function of tensors, nests of them, and `None`s.
        unknown_axes: How many of each tensor's first axes are unknown: 1 for batches, 2 for stacks of them.
        **options: Options of `tf.function`.
    """
    kinds, functions = {}, {}

    def call(*inputs, **static):
        inputs = tf.nest.map_structure(lambda value: None if value is None else tf.convert_to_tensor(value), inputs)
        present = [i for i, value in enumerate(inputs) if value is not None]
        tensors = [inputs[i] for i in present]
        ranks = tf.nest.map_structure(lambda tensor: (tensor.dtype.name, tensor.shape.rank), tensors)
        key = repr((present, ranks, static))
        if key not in kinds:

            def traced(*tensors):
                filled = dict(zip(present, tensors, strict=True))
                return function(*[filled.get(i) for i in range(len(inputs))], **static)

            kinds[key] = Graphs(traced, unknown_axes, options, functions, key)
        return kinds[key](tensors)

    call.__dict__["functions"] = functions
    return call


class Graphs:
    """The graphs of a function of tensors of fixed ranks and dtypes.

    Args:
        function: Function of tensors and nests of them.
        unknown_axes: How many of each tensor's first axes are unknown.
        options: Options of `tf.function`.
        functions: Dict that the `tf.function`s go into, shared by all kinds of tensors.
        key: What tells this kind in it.
        exact: How many shapes get a graph each.
    """

    def __init__(self, function, unknown_axes, options, functions, key, exact=_EXACT):
        self.function, self.unknown_axes, self.options = function, unknown_axes, options
        self.functions, self.key, self.most_exact = functions, key, exact
        self._exact, self._seen, self._fails, self._without_xla = set(), set(), False, None

    def __call__(self, tensors):
        shapes = tuple(tuple(t.shape) for t in tf.nest.flatten(tensors))
        if self.options.get("jit_compile"):
            if len(self._seen) < _XLA_SHAPES:
                self._seen.add(shapes)
            if shapes not in self._seen:
                return self._plain(tensors)
        known = tuple(self._known(shape) for shape in shapes)
        if known in self._exact or len(self._exact) < self.most_exact or self._fails:
            self._exact.add(known)
            return self._function(known, tensors)(*tensors)
        anything = tuple((None,) * len(shape) for shape in shapes)
        try:
            return self._function(anything, tensors)(*tensors)
        except (ValueError, TypeError):  # a network that needs to know its sizes
            self._fails = True
            return self._function(known, tensors)(*tensors)

    def _known(self, shape):
        unknown = min(self.unknown_axes, len(shape))
        return (None,) * unknown + shape[unknown:]

    def _function(self, shapes, tensors):
        if (self.key, shapes) not in self.functions:
            rows = iter(shapes)
            specs = tf.nest.map_structure(lambda tensor: tf.TensorSpec(next(rows), tensor.dtype), tensors)
            self.functions[self.key, shapes] = traced_alone(self.function, input_signature=specs, **self.options)
        return self.functions[self.key, shapes]

    def _plain(self, tensors):
        """The function's value without XLA."""
        if self._without_xla is None:
            options, key = {**self.options, "jit_compile": False}, (self.key, "plain")
            self._without_xla = Graphs(self.function, self.unknown_axes, options, self.functions, key, exact=0)
        return self._without_xla(tensors)
