"""A VAE, a GAN and a Siamese network beside stock `keras.Model`, argument by argument."""

import keras
import numpy as np
import pytest

import keras_dl
from tests.models.base.stock_models import FAMILIES, LABELS, LATENTS, OTHER, ROWS, SIZE, TARGETS, X
from tests.models.base.test_like_keras import close


def pair(family, **options):
    keras.utils.set_random_seed(0)
    return FAMILIES[family](**{"jit_compile": False, "steps_per_execution": 1, **options})


def data_of(family, options):
    """Options of `fit` for both, with the targets of each."""
    y, held_out_y = TARGETS[family]
    ours_y, ours_held_out = (None, None) if family != "siamese" else (y, held_out_y)
    pairs = []
    for labels, held_out_labels in ((y, held_out_y), (ours_y, ours_held_out)):
        own = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0, **options, "y": labels}
        if own.get("validation_data"):
            own["validation_data"] = (OTHER,) if held_out_labels is None else (OTHER, held_out_labels)
        pairs.append(own)
    return pairs


# name: options of fit
TABLE = {
    "plain": {},
    "no batch size": {"batch_size": None},
    "initial_epoch": {"initial_epoch": 1, "epochs": 3},
    "no epochs": {"epochs": 0},
    "validation_split": {"validation_split": 0.4},
    "validation_data": {"validation_data": True},
    "validation_batch_size": {"validation_data": True, "validation_batch_size": 3},
    "validation_steps": {"validation_data": True, "validation_batch_size": 2, "validation_steps": 2},
    "validation_freq": {"validation_data": True, "validation_freq": 2, "epochs": 4},
    "validation_freq by epochs": {"validation_data": True, "validation_freq": [1, 3], "epochs": 3},
    "steps_per_epoch": {"steps_per_epoch": 2, "epochs": 4},
    "steps without a batch size": {"steps_per_epoch": 5, "batch_size": None},
    "a callback": {"callbacks": keras.callbacks.TerminateOnNaN()},
}
WAYS = {
    "eager": {"run_eagerly": True},
    "XLA": {"jit_compile": True},
    "steps_per_execution": {"steps_per_execution": 2},
    "auto_scale_loss": {"auto_scale_loss": False},
}


def check_fit(family, stock, ours, **options):
    histories = [model.fit(X, **own) for model, own in zip((stock, ours), data_of(family, options), strict=True)]
    assert histories[0].epoch == histories[1].epoch
    for key, values in histories[0].history.items():
        close(histories[1].history[key], values)
    close(ours.get_weights()[: len(stock.get_weights())], stock.get_weights())


@pytest.fixture(scope="module")
def pairs():
    return {family: pair(family) for family in FAMILIES}


OFTEN = ("validation_data", "initial_epoch")
CASES = [name if name in OFTEN else pytest.param(name, marks=pytest.mark.full) for name in TABLE]
STEPS = [{"batch_size": 4, "steps": 2}, pytest.param({}, marks=pytest.mark.full)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_fit(pairs, family, name):
    check_fit(family, *pairs[family], **TABLE[name])


@pytest.mark.full
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", WAYS)
def test_ways_of_compile(family, way):
    check_fit(family, *pair(family, **WAYS[way]), batch_size=5)


def inputs_of(family, stock):
    """What `evaluate` and the like are given."""
    y = TARGETS[family][0] if stock or family == "siamese" else None
    return {"x": X, "y": y}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("options", STEPS, ids=str)
def test_evaluate_and_predict(pairs, family, options):
    stock, ours = pairs[family]
    expected = stock.evaluate(**inputs_of(family, True), verbose=0, return_dict=True, **options)
    result = ours.evaluate(**inputs_of(family, False), verbose=0, return_dict=True, **options)
    close({key: result[key] for key in expected}, expected)
    in_order = ours.evaluate(**inputs_of(family, False), verbose=0, **options)
    close(in_order if isinstance(in_order, list) else [in_order], [result[name] for name in ours.metrics_names])
    if family != "vae":  # whose stock model predicts logits
        x = X[:, :LATENTS] if family == "gan" else X
        close(*[model.predict(x, verbose=0, **options) for model in (ours, stock)])
        close(*[model.predict_on_batch(x) for model in (ours, stock)])


@pytest.mark.parametrize("family", FAMILIES)
def test_on_batches(pairs, family):
    stock, ours = pairs[family]
    for model in (stock, ours):
        model.reset_metrics()
    for name in ("train_on_batch", "test_on_batch"):
        expected = getattr(stock, name)(**inputs_of(family, True), return_dict=True)
        result = getattr(ours, name)(**inputs_of(family, False), return_dict=True)
        close({key: result[key] for key in expected}, expected)
        assert len(keras.tree.flatten(getattr(ours, name)(**inputs_of(family, False)))) == len(result)
        getattr(stock, name)(**inputs_of(family, True))
    close(ours.get_weights()[: len(stock.get_weights())], stock.get_weights())


class Batches(keras.utils.PyDataset):
    """Two batches of arrays."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return tuple(array[5 * index :][:5] for array in self.arrays)


WEIGHTS = {"sample_weight": np.full(ROWS, 2.0, "float32")}
CLASSES = {"class_weight": {0: 2.0}}
WRONG = [
    ({"x": 255 * X}, r"lie in \[0(.0)?, 1(.0)?\].*: divide pixels of 0 to 255 by 255"),
    ({"x": X * np.nan}, "x should be finite"),
    ({"x": X[:, :3]}, r"x should have shape \(rows, 4\). Received: \(10, 3\)"),
    ({"x": X.tolist()}, r"on_batch should be given data: arrays. Received: x="),
    ({"x": X, "y": LABELS}, "condition should be None: the networks take none. .* Received: a condition"),
    ({"x": X, **WEIGHTS}, "without sample weights"),
]


@pytest.mark.parametrize("family", ["vae", "gan"])
def test_what_models_of_data_alone_cannot_use_is_refused_by_name(pairs, family):
    model = pairs[family][1]
    before = model.get_weights()
    for options, message in WRONG:
        for method in (model.train_on_batch, model.test_on_batch):
            with pytest.raises(ValueError, match=message):
                method(**options)
    for method, options, message in (
        (model.fit, {"x": X, **WEIGHTS}, "without sample weights"),
        (model.evaluate, {"x": X, **WEIGHTS}, "without sample weights"),
        (model.fit, {"x": X, **CLASSES}, "class_weight should come with labels y"),
        (model.train_on_batch, {"x": X, **CLASSES}, "class_weight should come with labels y"),
        (model.train_on_batch, {"x": X, **CLASSES, **WEIGHTS}, "train_on_batch takes sample_weight or class_weight"),
        (model.fit, {"x": Batches(X), **CLASSES}, "class_weight should come with a PyDataset of .* Received: 1 parts"),
    ):
        with pytest.raises(ValueError, match=message):
            method(**options)
    with pytest.raises(ValueError, match="divide pixels|should have shape"):
        model.predict_on_batch(X * 255)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_class_weights_of_batches_weigh_as_those_of_arrays(pairs):
    stock, ours = pairs["siamese"]
    options = {"verbose": 0, "shuffle": False, **CLASSES}
    close(ours.fit(Batches(X, LABELS), **options).history, stock.fit(Batches(X, LABELS), **options).history)


def test_arguments_that_no_model_takes():
    network = keras.Sequential([keras.Input((SIZE,)), keras.layers.Dense(LATENTS)])
    with pytest.raises(TypeError, match="Siamese takes network, seed, ema_momentum, name. Received: latents=3"):
        keras_dl.models.Siamese(network, latents=3)
