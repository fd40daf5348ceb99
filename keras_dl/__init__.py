"""keras_dl: the systems of a deep-learning course as parts that Keras users fit, tune, distribute and serve."""

from keras_dl import onednn  # noqa: F401 - before TensorFlow

# isort: split
from keras_dl import backend  # noqa: F401

# isort: split
from keras_dl import (  # noqa: F401
    activations,
    bijectors,
    callbacks,
    data,
    layers,
    likelihoods,
    losses,
    metrics,
    models,
    networks,
    objectives,
    processes,
    runtime,
    samplers,
    tasks,
)

__version__ = "0.1.0"
