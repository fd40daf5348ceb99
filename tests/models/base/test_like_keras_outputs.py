"""`Supervised` beside stock `keras.Model` for networks of several outputs: nested, shared, by name and in lists."""

import collections

import keras
import numpy as np
import pytest

import keras_dl
from tests.models.base.test_like_keras import (
    BOTH,
    IN_LIST,
    LABELS,
    LOSSES,
    ONE_HOT,
    SIZES,
    WEIGHTS,
    X,
    close,
    pair,
    two,
)

COMMON = {"batch_size": 5, "epochs": 1, "shuffle": False, "verbose": 0}


def network(arrange):
    """A network whose outputs are arranged by a function of three tensors."""
    x = keras.Input((5,))
    return keras.Model(x, arrange(*[keras.layers.Dense(units, name=f"d{units}")(x) for units in (3, 2, 1)]))


def nested():
    return network(lambda a, b, c: {"a": a, "b": {"c": b, "d": c}})


def nested_list():
    return network(lambda a, b, c: [a, [b, c]])


def mixed():
    return network(lambda a, b, c: {"a": a, "b": [b, c]})


def ordered():
    return network(lambda a, b, c: collections.OrderedDict([("z", a), ("a", b), ("m", c)]))


def one_in_dict():
    return network(lambda a, b, c: {"only": a})


PAIRS = ONE_HOT[:, :2]
NESTED = {"a": ONE_HOT, "b": {"c": PAIRS, "d": SIZES}}
IN_LISTS = [ONE_HOT, [PAIRS, SIZES]]
MIXED = {"a": ONE_HOT, "b": [PAIRS, SIZES]}
ORDERED = collections.OrderedDict([("z", ONE_HOT), ("a", PAIRS), ("m", SIZES)])
NEST_OF_LOSSES = {"a": "mse", "b": {"c": "mae", "d": "mse"}}

# name: (network, options of compile, options of fit)
TABLE = {
    "nested": (nested, {"loss": "mse"}, {"y": NESTED}),
    "a nest of losses and weights": (
        nested, {"loss": NEST_OF_LOSSES, "loss_weights": {"a": 1.0, "b": {"c": 2.0, "d": 3.0}}}, {"y": NESTED}
    ),
    "a nest of losses with gaps": (nested, {"loss": {"a": "mse", "b": {"d": "mse"}}}, {"y": NESTED}),
    "a nest of one loss": (nested, {"loss": {"a": "mse"}}, {"y": NESTED}),
    "losses of a nest in a list": (nested, {"loss": ["mse", "mae", "mse"]}, {"y": NESTED}),
    "weights of a nest in a list": (nested, {"loss": NEST_OF_LOSSES, "loss_weights": [1.0, 2.0, 3.0]}, {"y": NESTED}),
    "a nest of metrics": (
        nested, {"loss": "mse", "metrics": {"a": ["mae"], "b": {"c": ["mse", "mae"], "d": ["mae"]}}}, {"y": NESTED}
    ),
    "a nest of sample weights": (
        nested, {"loss": "mse"}, {"y": NESTED, "sample_weight": {"a": WEIGHTS, "b": {"c": 2 * WEIGHTS, "d": WEIGHTS}}}
    ),
    "a nest to validate on": (nested, {"loss": "mse"}, {"y": NESTED, "validation_data": (X, NESTED)}),
    "lists in a list": (nested_list, {"loss": ["mse", ["mae", "mse"]]}, {"y": IN_LISTS}),
    "lists in a list, losses in one": (nested_list, {"loss": ["mse", "mae", "mse"]}, {"y": IN_LISTS}),
    "a list in a dict": (
        mixed, {"loss": {"a": "mse", "b": ["mse", "mae"]}, "metrics": {"a": ["mae"], "b": [["mse"], ["mae"]]}},
        {"y": MIXED},
    ),
    "an order of its own": (ordered, {"loss": ["mse", "mae", "mse"]}, {"y": ORDERED}),
    "one output in a dict": (one_in_dict, {"loss": {"only": "mse"}, "metrics": ["mae"]}, {"y": {"only": ONE_HOT}}),
    "losses in lists by name": (
        lambda: two(True), {"loss": {name: [loss] for name, loss in LOSSES.items()}}, {"y": BOTH}
    ),
    "one weight of one loss": (lambda: two(False), {"loss": "mse", "loss_weights": [2.0]}, {"y": [SIZES, ONE_HOT]}),
    "weights of some outputs": (
        lambda: two(False), {"loss": ["mse", LOSSES["kind"]], "weighted_metrics": [["mae"], None]},
        {"y": IN_LIST, "sample_weight": [WEIGHTS, None]},
    ),
    "weights of some outputs by name": (
        lambda: two(True), {"loss": LOSSES}, {"y": BOTH, "sample_weight": {"size": WEIGHTS, "kind": None}}
    ),
}  # fmt: skip


#: Rows like others, which CI runs where it runs all.
LIKE_OTHERS = ("a nest of one loss", "losses of a nest in a list", "weights of a nest in a list")
LIKE_OTHERS += ("a nest to validate on", "lists in a list, losses in one", "one output in a dict")
LIKE_OTHERS += ("weights of some outputs by name", "a nest of losses with gaps", "lists in a list", "nested")


@pytest.mark.grid("a nest of losses and weights", "an order of its own")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full) if name in LIKE_OTHERS else name for name in TABLE]
)
def test_outputs(name):
    build, compile_options, options = TABLE[name]
    stock, ours = pair(build, **compile_options)
    histories = [model.fit(X, **COMMON, **options).history for model in (ours, stock)]
    assert set(histories[0]) == set(histories[1])
    close(*histories)
    close(ours.get_weights(), stock.get_weights())
    data = {key: options[key] for key in ("y", "sample_weight") if key in options}
    if "sample_weight" in data:
        close(*[model.evaluate(X, **data, batch_size=5, verbose=0, return_dict=True) for model in (ours, stock)])
    close(*[model.train_on_batch(X, **data, return_dict=True) for model in (ours, stock)])


def shared():
    x, layer = keras.Input((5,)), keras.layers.Dense(3, name="a")
    return keras.Model(x, [layer(x), layer(keras.layers.Dense(5)(x))])


def test_outputs_of_a_shared_layer():
    """Keras writes both losses under one name, of which the last is seen; metrics get a number."""
    options = {"loss": ["mse", "mae"], "metrics": [["mae"], ["mae"]]}
    stock, ours = pair(shared, **options)
    expected, history = [m.fit(X, [ONE_HOT, ONE_HOT], **COMMON).history for m in (stock, ours)]
    close(history.pop("a_1_loss"), expected.pop("a_loss"))
    first = history.pop("a_loss")
    close(history, expected)  # loss, a_mae and a_mae_1
    close(ours.get_weights(), stock.get_weights())
    logs = ours.evaluate(X, [ONE_HOT, ONE_HOT], verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["a_loss"] + logs["a_1_loss"], logs["loss"], rtol=1e-5)
    assert first[0] != history["loss"][0]


def test_one_name_stands_for_both_outputs_of_a_shared_layer():
    stock, ours = pair(shared, loss={"a": "mse"})
    close(ours.fit(X, {"a": ONE_HOT}, **COMMON).history["loss"], stock.fit(X, {"a": ONE_HOT}, **COMMON).history["loss"])


@keras.saving.register_keras_serializable("test_like_keras_outputs")
class Own(keras.Model):
    """A subclassed network of two outputs in a list, whose names nobody knows."""

    def __init__(self, **options):
        super().__init__(**options)
        self.kind, self.size = keras.layers.Dense(3), keras.layers.Dense(1)

    def call(self, x):
        return [self.kind(x), self.size(x)]


def test_outputs_without_names():
    models = []
    for wrap in (lambda network: network, lambda network: keras_dl.models.Supervised(network, seed=0)):
        keras.utils.set_random_seed(0)
        network = Own()
        network(X[:1])
        models.append(wrap(network))
        options = {"loss": ["mse", "mae"], "metrics": [["mae"], ["mse"]], "run_eagerly": True}
        models[-1].compile(keras.optimizers.SGD(0.1), **options)
    histories = [model.fit(X, [ONE_HOT, SIZES], **COMMON).history for model in models]
    assert set(histories[0]) == {"loss", "mse_loss", "mae_loss", "mae", "mse"}
    close(*histories)


REFUSED = [
    ({"loss": LOSSES, "loss_weights": [2.0]}, "loss_weights should have one entry for each of 2 outputs .*Received: 1"),
    ({"loss": LOSSES, "loss_weights": 2.0}, "loss_weights should have one entry for each of kind, size. Received: 2.0"),
    ({"loss": LOSSES, "loss_weights": {"kind": "x"}}, "`loss_weights` should be a finite number. Received:"),
    ({"loss": ["mse"]}, "loss should have one entry for each of 2 outputs .*Received: 1"),
    ({"loss": {"kind": ["mse", "mae"], "size": "mse"}}, "loss should have one entry for each of 2 outputs"),
    ({"loss": {"x": ["mse"], "y": ["mse"]}}, "loss should be named kind, size. Received: x, y"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_does_not_fit_the_outputs_is_refused(options, message):
    model = keras_dl.models.Supervised(two(True))
    with pytest.raises(ValueError, match=message):
        model.compile("sgd", **options)
    assert not model.compiled


def test_a_nest_that_does_not_fit_the_outputs_is_refused():
    with pytest.raises(ValueError, match="loss should be named d3, d2, d1. Received: a, x"):
        keras_dl.models.Supervised(nested()).compile("sgd", loss={"a": "mse", "x": "mse"})


def test_files_keep_nests_of_losses(tmp_path):
    _, ours = pair(nested, loss=NEST_OF_LOSSES, metrics={"a": ["mae"], "b": {"d": ["mse"]}})
    ours.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    logs = [model.evaluate(X, NESTED, verbose=0, return_dict=True) for model in (ours, loaded)]
    close(*logs)
    assert {"b/c_loss", "d1_mse"} <= set(logs[0]) and len(LABELS) == len(X)
