"""Odd values of documented arguments: Keras' numbers, or a refusal by name before work starts."""

import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from tests.models.base.test_like_keras import CROSS_ENTROPY, LABELS, ONE_HOT, WEIGHTS, X, close, dense, pair
from tests.models.builders import images, small_vae

COMMON = {"epochs": 2, "verbose": 0}


def dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(4)


def fitted(data, loss=CROSS_ENTROPY, **options):
    """Histories of stock Keras and of ours."""
    stock, ours = pair(dense, loss=loss)
    options |= COMMON if isinstance(data[0], tf.data.Dataset) else {**COMMON, "shuffle": False, "batch_size": 5}
    histories = [model.fit(*data, **options).history for model in (stock, ours)]
    close(ours.get_weights(), stock.get_weights())
    return histories


# name: (data, options of fit)
SAME = {
    "a class weight of another type": ((X, LABELS), {"class_weight": {np.int64(0): np.float32(2.0), 1.0: 3}}),
    "no class weights": ((X, LABELS), {"class_weight": {}}),
    "class weights of a dataset with a gap": ((dataset(X, LABELS),), {"class_weight": {0: 2.0, 2: 3.0}}),
    "class weights of a column": ((dataset(X, LABELS[:, None]),), {"class_weight": {0: 2.0, 1: 1.0, 2: 3.0}}),
    "a whole number of numpy's": ((X, LABELS), {"steps_per_epoch": np.int64(2), "initial_epoch": np.int64(1)}),
    "validation at epochs": ((X, LABELS), {"validation_data": (X, LABELS), "validation_freq": [2]}),
    "no validation": ((X, LABELS), {"validation_data": (X, LABELS), "validation_freq": []}),
    "more validation steps than batches": ((X, LABELS), {"validation_data": (X, LABELS), "validation_steps": 100}),
}


LIKE_OTHERS = ("no validation", "more validation steps than batches", "class weights of a column")


@pytest.mark.grid("class weights of a dataset with a gap", "validation at epochs")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full) if name in LIKE_OTHERS else name for name in SAME]
)
def test_keras_numbers(name):
    data, options = SAME[name]
    close(*fitted(data, **options))


def test_class_weights_of_one_hot_datasets():
    close(*fitted((dataset(X, ONE_HOT),), loss="mse", class_weight={0: 1.0, 1: 2.0, 2: 3.0}))


@pytest.mark.parametrize("class_weight", [{0: 2.0}, {0: 2.0, 1: 1.5}, {}])
def test_classes_that_a_dict_does_not_reach_weigh_one(class_weight):
    """Keras fails on them where the data are a dataset: arrays say what is right."""
    stock, ours = pair(dense, loss=CROSS_ENTROPY)
    expected = stock.fit(X, LABELS, batch_size=4, shuffle=False, class_weight=class_weight, **COMMON).history
    close(ours.fit(dataset(X, LABELS), class_weight=class_weight, **COMMON).history, expected)
    close(ours.get_weights(), stock.get_weights())


V = {"validation_data": (X, LABELS)}
REFUSED = [
    ({"class_weight": [1.0, 2.0, 3.0]}, "`class_weight` should be a dict from integer labels to weights"),
    ({"class_weight": {"0": 2.0}}, "`class_weight` should be a dict from integer labels to weights"),
    ({"class_weight": {0.5: 2.0}}, "`class_weight` should be a dict from integer labels to weights"),
    ({"class_weight": {0: "a"}}, "`class_weight` should be a finite number. Received: class_weight='a'"),
    ({**V, "validation_freq": 0}, "`validation_freq` should be a positive integer. Received: validation_freq=0"),
    ({**V, "validation_freq": -2}, "`validation_freq` should be a positive integer"),
    ({**V, "validation_freq": [1, 0]}, "`validation_freq` should be a positive integer. Received: validation_freq=0"),
    ({**V, "validation_freq": 1.5}, "`validation_freq` should be a positive integer"),
    ({**V, "validation_steps": 1.5}, "`validation_steps` should be a positive integer"),
    ({**V, "validation_batch_size": -1}, "`validation_batch_size` should be a positive integer"),
    ({"steps_per_epoch": -1}, "`steps_per_epoch` should be a positive integer"),
    ({"steps_per_epoch": 0}, "`steps_per_epoch` should be a positive integer"),
    ({"initial_epoch": 1.5}, "`initial_epoch` should be an integer of at least 0"),
    ({"callbacks": [None]}, "`callbacks` should be keras.callbacks.Callback objects. Received: callbacks=None"),
    ({"callbacks": 5}, "`callbacks` should be keras.callbacks.Callback objects. Received: callbacks=5"),
    ({"validation_data": ()}, "`validation_data` should be data, .*Received: 0 parts"),
    ({"validation_data": (X, LABELS, WEIGHTS, X)}, "`validation_data` should be data, .*Received: 4 parts"),
    ({"epochs": 1.5}, "`epochs` should be an integer of at least 0"),
]


@pytest.fixture(scope="module")
def ours():
    return pair(dense, loss=CROSS_ENTROPY)[1]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_refused_by_fit(ours, options, message):
    with pytest.raises(ValueError, match=message):
        ours.fit(X, LABELS, verbose=0, **options)
    assert int(ours.state.step) == 0


@pytest.mark.parametrize("class_weight", [[1.0], {"a": 1.0}])
def test_refused_by_train_on_batch_and_datasets(ours, class_weight):
    for call in (
        lambda: ours.train_on_batch(X, LABELS, class_weight=class_weight),
        lambda: ours.fit(dataset(X, LABELS), class_weight=class_weight, verbose=0),
    ):
        with pytest.raises(ValueError, match="`class_weight` should be a dict"):
            call()


def test_class_weights_of_labels_of_steps_are_refused():
    """Keras takes the labels of a sample's steps for a one-hot vector."""
    _, model = pair(lambda: dense(3, (4, 2)), loss=CROSS_ENTROPY)
    x, labels, given = np.ones((4, 4, 2), "float32"), np.zeros((4, 4), int), {"class_weight": {0: 2.0}}
    uses = [
        lambda: model.fit(x, labels, **given),
        lambda: model.fit(dataset(x, labels), **given),
        lambda: model.fit(dataset(x, np.ones((4, 4, 3), int)), **given),
        lambda: model.train_on_batch(x, labels, **given),
    ]
    for use in uses:
        with pytest.raises(ValueError, match=r"class_weight should come with one label per sample.*y of shape"):
            use()


def test_class_weights_beside_sample_weights_of_a_dataset(ours):
    with pytest.raises(ValueError, match="class_weight should come with a dataset of"):
        ours.fit(dataset(X, LABELS, WEIGHTS), class_weight={0: 1.0}, verbose=0)


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_steps_of_evaluate_and_predict(ours, method):
    for steps in (0, -1, 1.5):
        with pytest.raises(ValueError, match="`steps` should be a positive integer"):
            getattr(ours, method)(X, steps=steps, verbose=0)


UNKNOWN = [
    ({"learning_rate": 0.1}, r"learning_rate should be given to the optimizer.*Adam\(learning_rate=0.1\)"),
    ({"beta_1": 0.5, "clipnorm": 1.0}, r"beta_1 and clipnorm should be given to the optimizer"),
    ({"sample_weight_mode": "temporal"}, "sample_weight_mode should be .* Received: sample_weight_mode='temporal'"),
]


@pytest.mark.parametrize(("options", "message"), UNKNOWN)
def test_unknown_options_of_compile(options, message):
    for model in (small_vae(), keras_dl.models.Supervised(dense())):
        own = {"loss": "mse"} if model.has_targets else {}
        model.compile("sgd", **own)
        before = model.updates
        with pytest.raises(TypeError, match=message):
            model.compile("adam", **own, **options)
        assert model.updates is before


def test_a_vae_refuses_weights_of_classes_and_samples():
    model = small_vae()
    model.compile()
    for options, message in (
        ({"class_weight": {0: 1.0}}, "class_weight should come with labels y"),
        ({"sample_weight": np.ones(64, "float32")}, "without sample weights"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(images(), verbose=0, **options)
    assert int(model.state.step) == 0
