"""`Supervised` beside stock `keras.Model`, argument by argument: the same weights and the same reported numbers.

Each row of a table is one habit that Keras documents of `compile`, `fit`, `evaluate` and `predict`. Both models start
at equal weights, see the rows in order, and are compared by weights, history, evaluation and predictions.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl

ROWS, STEPS = 10, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 5)).astype("float32")
LABELS = np.arange(ROWS) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
SIZES = RNG.normal(size=(ROWS, 1)).astype("float32")
WEIGHTS = RNG.uniform(0.5, 2, ROWS).astype("float32")
SERIES = RNG.normal(size=(ROWS, STEPS, 2)).astype("float32")
SERIES[:, 3:] = SERIES[::3, 2:] = 0  # masked
TOKENS = np.where(SERIES[..., 0] == 0, 0, 1 + np.arange(STEPS) % 3)
SERIES_TARGETS = RNG.normal(size=(ROWS, STEPS, 1)).astype("float32")
STEP_LABELS = (np.arange(ROWS * STEPS) % 3).reshape(ROWS, STEPS)
STEP_WEIGHTS = RNG.uniform(0.5, 2, (ROWS, STEPS)).astype("float32")
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def dense(units=3, shape=(5,), **options):
    return keras.Sequential([keras.Input(shape), keras.layers.Dense(4, "tanh"), keras.layers.Dense(units, **options)])


def regularized():
    hidden = keras.layers.Dense(4, "tanh", kernel_regularizer=keras.regularizers.L2(0.1), activity_regularizer="l2")
    return keras.Sequential([keras.Input((5,)), hidden, keras.layers.Dense(3)])


def frozen():
    network = dense()
    network.layers[0].trainable = False
    return network


def two(as_dict):
    x = keras.Input((5,), name="x")
    kind, size = keras.layers.Dense(3, name="kind")(x), keras.layers.Dense(1, name="size")(x)
    return keras.Model(x, {"size": size, "kind": kind} if as_dict else [size, kind])


def two_inputs():
    a, b = keras.Input((5,), name="a"), keras.Input((1,), name="b")
    return keras.Model([a, b], keras.layers.Dense(3)(keras.layers.Concatenate()([a, b])))


def dict_inputs():
    inputs = {"a": keras.Input((5,), name="a"), "b": keras.Input((1,), name="b")}
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Concatenate()([inputs["b"], inputs["a"]])))


def masking(units=1):
    layers = [keras.layers.Masking(), keras.layers.SimpleRNN(3, return_sequences=True), keras.layers.Dense(units)]
    return keras.Sequential([keras.Input((STEPS, 2)), *layers])


def embedding():
    layers = [keras.layers.Embedding(4, 3, mask_zero=True), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((STEPS,), dtype="int32"), *layers])


def labelled(**options):
    return {"loss": CROSS_ENTROPY, **options}


BOTH = {"kind": LABELS, "size": SIZES}
LOSSES = {"kind": CROSS_ENTROPY, "size": "mse"}
IN_LIST = [SIZES, LABELS]

# name: (network, options of compile, x, options of fit, y among them)
TABLE = {
    # compile: loss
    "a name": (dense, {"loss": "mse"}, X, {"y": ONE_HOT}),
    "a function": (dense, {"loss": lambda y, p: keras.ops.square(y - p)}, X, {"y": ONE_HOT}),
    "flat targets": (lambda: dense(1), {"loss": lambda y, p: keras.ops.abs(y - p)}, X, {"y": SIZES[:, 0]}),
    "crossentropy": (lambda: dense(activation="softmax"), {"loss": "crossentropy"}, X, {"y": LABELS}),
    "sum": (dense, {"loss": keras.losses.MeanSquaredError(reduction="sum")}, X, {"y": ONE_HOT}),
    "mean with sample weights": (
        dense,
        {"loss": keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")},
        X,
        {"y": ONE_HOT, "sample_weight": WEIGHTS},
    ),
    "a list of one": (dense, {"loss": ["mse"]}, X, {"y": ONE_HOT}),
    "a weight of the only loss": (dense, {"loss": "mse", "loss_weights": 0.3}, X, {"y": ONE_HOT}),
    "regularizers of weights and activities": (regularized, labelled(), X, {"y": LABELS}),
    "frozen layers": (frozen, labelled(), X, {"y": LABELS}),
    "integer targets of a regression": (lambda: dense(1), {"loss": "mse"}, X, {"y": LABELS}),
    "ignore_class": (
        lambda: dense(3, (STEPS, 2)),
        {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)},
        SERIES,
        {"y": STEP_LABELS},
    ),
    # compile: several outputs
    "a list of outputs, all by name": (
        lambda: two(False),
        {"loss": LOSSES, "loss_weights": {"kind": 0.5, "size": 2.0}, "metrics": {"size": ["mae"], "kind": "accuracy"}},
        X,
        {"y": BOTH},
    ),
    "a list of outputs, targets in a list": (lambda: two(False), {"loss": LOSSES}, X, {"y": IN_LIST}),
    "a list of outputs, all in lists": (
        lambda: two(False),
        {"loss": ["mse", CROSS_ENTROPY], "loss_weights": [2.0, 0.5], "metrics": [["mae"], ["accuracy"]]},
        X,
        {"y": IN_LIST},
    ),
    "a dict of outputs": (
        lambda: two(True),
        {"loss": LOSSES, "loss_weights": {"size": 2.0, "kind": 0.5}, "metrics": {"size": ["mae", "mse"]}},
        X,
        {"y": BOTH},
    ),
    "a list of weights": (lambda: two(True), {"loss": LOSSES, "loss_weights": [0.5, 2.0]}, X, {"y": BOTH}),
    "an output without a loss": (
        lambda: two(False), {"loss": ["mse", None], "run_eagerly": False}, X, {"y": SIZES}  # eager Keras unpacks rows
    ),
    "an output without a loss, by name": (lambda: two(True), {"loss": {"size": "mse"}}, X, {"y": BOTH}),
    "one loss for all outputs": (lambda: two(False), {"loss": "mse"}, X, {"y": [SIZES, ONE_HOT]}),
    "weights of each output": (
        lambda: two(True),
        {"loss": LOSSES, "weighted_metrics": {"size": ["mae"]}},
        X,
        {"y": BOTH, "sample_weight": {"size": WEIGHTS, "kind": WEIGHTS[::-1].copy()}},
    ),
    "weights of all outputs": (lambda: two(True), {"loss": LOSSES}, X, {"y": BOTH, "sample_weight": WEIGHTS}),
    # compile: metrics
    "metrics": (dense, labelled(metrics=["accuracy"]), X, {"y": LABELS}),
    "weighted metrics": (
        dense, labelled(metrics=["accuracy"], weighted_metrics=["accuracy"]), X, {"y": LABELS, "sample_weight": WEIGHTS}
    ),
    "a metric of a class": (dense, {"loss": "mse", "metrics": [keras.metrics.CosineSimilarity]}, X, {"y": ONE_HOT}),
    # compile: how it runs
    "graphs": (dense, labelled(run_eagerly=False), X, {"y": LABELS}),
    "graphs of masked series": (masking, {"loss": "mse", "run_eagerly": False}, SERIES, {"y": SERIES_TARGETS}),
    "graphs of outputs": (  # in graphs Keras weighs single losses of a smaller last batch like the others
        lambda: two(False), {"loss": LOSSES, "run_eagerly": False}, X, {"y": BOTH, "batch_size": 5}
    ),
    "steps_per_execution": (dense, labelled(steps_per_execution=2, run_eagerly=False), X, {"y": LABELS}),
    "auto_scale_loss": (dense, labelled(auto_scale_loss=False), X, {"y": LABELS}),
    # fit: inputs
    "several inputs": (two_inputs, labelled(), [X, SIZES], {"y": LABELS}),
    "inputs by name": (dict_inputs, labelled(), {"a": X, "b": SIZES}, {"y": LABELS}),
    "float64 and integers": (dense, labelled(), X.astype("float64"), {"y": LABELS.astype("int8")}),
    "integer inputs": (dense, labelled(), (10 * X).astype("int32"), {"y": LABELS}),
    "tensors": (dense, labelled(), tf.constant(X), {"y": tf.constant(LABELS)}),
    # fit: weights and masks
    "sample weights": (dense, labelled(), X, {"y": LABELS, "sample_weight": WEIGHTS}),
    "weights in a column": (dense, labelled(), X, {"y": LABELS, "sample_weight": WEIGHTS[:, None]}),
    "weights of time steps": (
        lambda: dense(1, (STEPS, 2)), {"loss": "mse"}, SERIES, {"y": SERIES_TARGETS, "sample_weight": STEP_WEIGHTS}
    ),
    "weights of time steps by labels": (
        lambda: dense(3, (STEPS, 2)), labelled(), SERIES, {"y": STEP_LABELS, "sample_weight": STEP_WEIGHTS}
    ),
    "Masking": (masking, {"loss": "mse", "metrics": ["mae"]}, SERIES, {"y": SERIES_TARGETS}),
    "Masking, classes": (lambda: masking(3), labelled(metrics=["accuracy"]), SERIES, {"y": STEP_LABELS}),
    "Masking and weights": (masking, {"loss": "mse"}, SERIES, {"y": SERIES_TARGETS, "sample_weight": STEP_WEIGHTS}),
    "Masking and a sum": (
        masking, {"loss": keras.losses.MeanAbsoluteError(reduction="sum")}, SERIES, {"y": SERIES_TARGETS}
    ),
    "Masking and ignore_class": (
        lambda: masking(3),
        {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)},
        SERIES,
        {"y": STEP_LABELS},
    ),
    "mask_zero": (embedding, {"loss": "mse", "weighted_metrics": ["mae"]}, TOKENS, {"y": SERIES_TARGETS}),
    "class weights of labels": (dense, labelled(), X, {"y": LABELS, "class_weight": {0: 2.0}}),
    "class weights of a column": (dense, labelled(), X, {"y": LABELS[:, None], "class_weight": {0: 2.0}}),
    "class weights of one-hot vectors": (dense, {"loss": "mse"}, X, {"y": ONE_HOT, "class_weight": {2: 0.1}}),
    # fit: the rest
    "validation_split": (dense, labelled(), X, {"y": LABELS, "validation_split": 0.3}),
    "validation_split and class weights": (
        dense, labelled(), X, {"y": LABELS, "validation_split": 0.3, "class_weight": {0: 3.0}}
    ),
    "validation_data with weights": (dense, labelled(), X, {"y": LABELS, "validation_data": (X, LABELS, WEIGHTS)}),
    "validation_freq": (
        dense, labelled(), X, {"y": LABELS, "validation_data": (X, LABELS), "validation_freq": 2, "epochs": 4}
    ),
    "validation_freq by epochs": (
        dense, labelled(), X, {"y": LABELS, "validation_data": (X, LABELS), "validation_freq": [1, 3], "epochs": 3}
    ),
    "validation_steps": (
        dense,
        labelled(),
        X,
        {"y": LABELS, "validation_data": (X, LABELS), "validation_steps": 1, "validation_batch_size": 2},
    ),
    "initial_epoch": (dense, labelled(), X, {"y": LABELS, "initial_epoch": 1, "epochs": 3}),
    "steps_per_epoch": (dense, labelled(), X, {"y": LABELS, "steps_per_epoch": 2, "epochs": 4}),
    "steps without batch_size": (dense, labelled(), X, {"y": LABELS, "steps_per_epoch": 2, "batch_size": None}),
    "no epochs": (dense, labelled(), X, {"y": LABELS, "epochs": 0}),
}  # fmt: skip

# One of a kind; the other rows are `full`.
OFTEN = (
    "a name", "flat targets", "sum", "regularizers of weights and activities", "ignore_class",
    "a list of outputs, all by name", "a dict of outputs", "an output without a loss", "weights of each output",
    "weighted metrics", "graphs of outputs", "inputs by name", "weights of time steps", "Masking and weights",
    "mask_zero", "class weights of labels", "validation_split and class weights", "validation_steps",
    "steps_per_epoch", "no epochs",
)  # fmt: skip


def pair(build, **options):
    """A stock model and ours with equal weights, compiled alike."""
    keras.utils.set_random_seed(0)
    network = build()
    stock = keras.models.clone_model(network)
    stock.set_weights(network.get_weights())
    for ours, theirs in zip(network._flatten_layers(), stock._flatten_layers(), strict=True):
        theirs.trainable = ours.trainable
    models = stock, keras_dl.models.Supervised(network, seed=0)
    for model in models:
        ways = {"jit_compile": False, "run_eagerly": True, "optimizer": keras.optimizers.SGD(0.1)}  # no time for graphs
        model.compile(**{**ways, **options})
    return models


def close(ours, stock):
    keras.tree.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6), ours, stock)


@pytest.mark.grid(*OFTEN)
@pytest.mark.parametrize("name", TABLE)
def test_arrays(name):
    build, compile_options, x, options = TABLE[name]
    stock, ours = pair(build, **compile_options)
    options = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0, **options}
    histories = [model.fit(x, **options).history for model in (ours, stock)]
    assert set(histories[0]) == set(histories[1])
    close(*histories)
    close(ours.get_weights(), stock.get_weights())
    data = {key: options[key] for key in ("y", "sample_weight") if key in options}
    data |= {"batch_size": options["batch_size"] or 4, "verbose": 0}
    close(*[model.evaluate(x, **data) for model in (ours, stock)])
    steps = compile_options.get("steps_per_execution", 1)  # Keras runs whole executions, where ours counts batches
    close(*[model.evaluate(x, **data, steps=steps, return_dict=True) for model in (ours, stock)])
    close(*[model.predict(x, batch_size=4, verbose=0) for model in (ours, stock)])
