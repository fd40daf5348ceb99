"""Custom gradients of graphs, which TensorFlow lists for good, handed to the graphs themselves."""

import inspect
import itertools

import tensorflow as tf
from tensorflow.python.framework import ops  # TensorFlow does not export its list of gradients

_NAMES = "CustomGradient-"
_released = 0


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
        graph = _graph_of(entry["type"]) if name.startswith(_NAMES) else None
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
