"""What the base refuses before work starts, whatever the family."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl

X = np.random.default_rng(0).random((20, 6), "float32")


def vae(**options):
    encoder = keras_dl.networks.mlp_encoder((6,), 2, hidden=(4,))
    return keras_dl.models.VAE(encoder, keras_dl.networks.mlp_decoder(2, (6,), hidden=(4,)), seed=0, **options)


def compiled():
    model = vae()
    model.compile()
    return model


COMPILE = [
    ({"optimizer": None}, "given an optimizer. Received: None"),
    ({"optimizer": "adm"}, "optimizer should be a keras.optimizers.Optimizer, its name or .* Received: .*'adm'"),
    ({"loss": "mse"}, "loss should not be given: VAE .* Received: loss='mse'"),
    ({"metrics": ["mae"]}, "metrics should not be given"),
    ({"jit_compile": "yes"}, "jit_compile should be True, False or 'auto'. Received: jit_compile='yes'"),
    ({"steps_per_execution": 0}, "steps_per_execution should be a positive integer or 'auto'. Received: 0"),
]


@pytest.mark.parametrize(("options", "message"), COMPILE)
def test_compile(options, message):
    with pytest.raises(ValueError, match=message):
        vae().compile(**options)


def test_keras_second_argument_of_compile():
    with pytest.raises(ValueError, match="loss should not be given: VAE .* Received: loss='mse'"):
        vae().compile("adam", "mse")


def test_options_that_no_loop_takes():
    model = compiled()
    with pytest.raises(TypeError, match="fit takes x, .*did you mean epochs for epoch.* Received: epoch=2"):
        model.fit(X, epoch=2)
    with pytest.raises(TypeError, match="evaluate takes x, .* Received: workers=2"):
        model.evaluate(X, workers=2)
    with pytest.raises(TypeError, match="predict takes x, .*batch_size for batchsize.* Received: batchsize=2"):
        model.predict(X, batchsize=2)


FIT = [
    ({"x": None}, "fit should be given data: .*Received: x=None"),
    ({"x": X, "batch_size": 0}, "`batch_size` should be a positive integer. Received: batch_size=0"),
    ({"x": X, "class_weight": {0: 1.0}}, "class_weight should come with labels y. Received: y=None"),
]


@pytest.mark.parametrize(("options", "message"), FIT)
def test_fit(options, message):
    with pytest.raises(ValueError, match=message):
        compiled().fit(**options, verbose=0)


DATA = [
    (X[:, :5], r"x should have shape \(rows, 6\). Received: \(20, 5\)"),
    (X * np.nan, "x should be finite"),
    (X * 255, r"should lie in \[0.0, 1.0\]"),
]


@pytest.mark.parametrize(("x", "message"), DATA)
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_datasets_and_generators(method, x, message):
    for data in (tf.data.Dataset.from_tensor_slices(x).batch(20), ((part,) for part in [x])):
        model = compiled()
        weights = model.get_weights()
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(data, verbose=0)
        for found, expected in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rows", [0, 20])
def test_datasets_with_replicas(rows):
    data = tf.data.Dataset.from_tensor_slices(X * np.nan).take(rows).batch(20)
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = vae()
        model.compile(steps_per_execution=1)
    with pytest.raises(ValueError, match="should be finite" if rows else "at least one batch. Received: none"):
        model.fit(data, verbose=0)
    assert int(model.state.step) == 0


def test_an_empty_dataset():
    empty = tf.data.Dataset.from_tensor_slices(X).take(0).batch(4)
    with pytest.raises(ValueError, match="at least one batch. Received: none"):
        compiled().fit(empty, verbose=0)


@pytest.mark.parametrize(("x", "message"), [*DATA, (X[:0], "x should not be empty")])
def test_predict(x, message):
    with pytest.raises(ValueError, match=message):
        compiled().predict(x, verbose=0)


def test_objectives_and_priors():
    with pytest.raises(TypeError, match="objective should be an object.*Received: objective='iwae'"):
        vae(objective="iwae")
    with pytest.raises(ValueError, match=r"prior should be over 2 latents.*Received: event shape \(3,\)"):
        vae(prior=keras_dl.likelihoods.StandardNormal(3))


def test_numpy_integers_count():
    model = compiled()
    assert model.sample(np.int64(3)).shape == (3, 6)
    assert model.log_prob(X, num_samples=np.int32(2)).shape == (20,)


def test_models_that_were_not_compiled_are_saved(tmp_path):
    model = vae()
    model.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.sample(3, seed=0), model.sample(3, seed=0))


def segmenter(classes=3, outputs=1):
    """A network of one convolution an output, which gives logits of classes, pixel by pixel."""
    x = keras.Input((4, 4, 1))
    maps = [keras.layers.Conv2D(classes, 1)(x) for _ in range(outputs)]
    return keras_dl.models.Supervised(keras.Model(x, maps if outputs > 1 else maps[0]), seed=0)


LABELLED = [
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    keras_dl.losses.CrossEntropy(ignore_index=9),
    keras_dl.losses.DiceCrossEntropy(ignore_index=9),
    keras_dl.losses.Dice(from_logits=True),
    keras_dl.losses.Focal(from_logits=True),
]


@pytest.mark.parametrize("loss", LABELLED, ids=lambda loss: loss.name)
@pytest.mark.parametrize("outputs", [1, 2])
def test_labels_without_a_class(loss, outputs):
    model = segmenter(outputs=outputs)
    model.compile(loss=[loss] * outputs)
    images, labels = np.zeros((5, 4, 4, 1), "float32"), np.zeros((5, 4, 4), "int64")
    for label in (3, -1):
        labels[2, 1, 1] = label
        for method in (model.fit, model.evaluate):
            for y in (labels, labels[..., None]):
                with pytest.raises(ValueError, match="y should be integer labels from 0 to 2. Received: values from "):
                    method(images, y if outputs == 1 else [y, y], verbose=0)
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("loss", LABELLED, ids=lambda loss: loss.name)
def test_fractions_are_no_labels(loss):
    """Keras rounds them down to a class."""
    model = segmenter()
    model.compile(loss=loss)
    labels = np.zeros((5, 4, 4), "float32")
    model.fit(np.zeros((5, 4, 4, 1), "float32"), labels, verbose=0)
    labels[2, 1, 1] = 0.5
    with pytest.raises(ValueError, match="y should be integer labels. Received: 0.5"):
        model.fit(np.zeros((5, 4, 4, 1), "float32"), labels, verbose=0)


@pytest.mark.parametrize("loss", ["mse", "mae", keras.losses.Huber(), "binary_crossentropy"])
@pytest.mark.parametrize("shape", [(), (1,), (2,), (3, 1, 1), (4,)])
def test_targets_of_another_shape_than_the_predictions(loss, shape):
    """Keras stretches some, so that one number is the target of three, and fails in its graph on others."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "sigmoid")])
    model = keras_dl.models.Supervised(network)
    model.compile(loss=loss)
    x = np.zeros((6, 2), "float32")
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"y should have the shape of the predictions, \(None, 3\), for the loss "):
            method(x, np.zeros((6, *shape)), batch_size=3, verbose=0)
    for fits in (np.zeros((6, 3)), np.zeros((6, 3, 1)), np.zeros((6, 3), int)):
        model.fit(x, fits, verbose=0)


@pytest.mark.parametrize(
    ("outputs", "loss"),
    [
        (1, "binary_crossentropy"),
        (1, keras_dl.losses.BinaryCrossEntropy()),
        (1, keras_dl.losses.Dice()),
        (1, keras_dl.losses.Focal()),
        (3, "categorical_crossentropy"),
        (3, keras_dl.losses.Dice()),
        (3, keras_dl.losses.Tversky(multilabel=True)),
        (3, keras_dl.losses.CrossEntropy()),
    ],
)
def test_targets_that_are_no_shares(outputs, loss):
    """A mask of 0 and 255: Keras' loss goes down without end, ours was said not to be finite, and not why."""
    end = "linear" if isinstance(loss, keras_dl.losses.CrossEntropy) else "sigmoid" if outputs == 1 else "softmax"
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(outputs, 1, activation=end)])
    model = keras_dl.models.Supervised(network)
    model.compile(loss=loss)
    x, y = np.zeros((6, 4, 4, 1), "float32"), np.zeros((6, 4, 4, outputs), "uint8")
    y[2, 1, 1, 0] = 255
    for method in (model.fit, model.evaluate):
        with pytest.raises(
            ValueError, match=r"y should lie in \[0, 1\] for the loss .*: divide .* by 255. Received: .*255"
        ):
            method(x, y, verbose=0)
    model.fit(x, y / 255, verbose=0)
    if outputs == 1 and not isinstance(loss, str):
        model.fit(x, y, sample_weight=(np.arange(6) != 2).astype("float32"), verbose=0)  # it counts for nothing
    if hasattr(loss, "ignore_index") and outputs == 1:
        model.fit(x, np.where(y == 255, -100, 0), verbose=0)


def test_targets_of_one_number_may_have_an_axis_for_it():
    model = keras_dl.models.Supervised(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    model.compile(loss="mse")
    for y in (np.zeros(6), np.zeros((6, 1))):
        model.fit(np.zeros((6, 2), "float32"), y, verbose=0)


def test_data_in_messages_are_shortened():
    """A list of numbers, which is no array, was written out."""
    model = keras_dl.models.Supervised(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    model.compile(loss="mse")
    with pytest.raises(ValueError, match="fit should be given data: arrays.*Received: x=") as error:
        model.fit([[0.5, 1.5]] * 10_000, np.zeros(10_000))
    assert len(str(error.value)) < 1000


def test_labels_that_are_ignored_or_probabilities_are_let_through():
    images, labels = np.zeros((5, 4, 4, 1), "float32"), np.zeros((5, 4, 4), "int64")
    labels[2, 1, 1] = 9
    for model, loss, y in (
        (segmenter(outputs=2), keras_dl.losses.CrossEntropy(ignore_index=9), labels),
        (segmenter(), keras_dl.losses.DiceCrossEntropy(), np.full((5, 4, 4, 3), 1 / 3, "float32")),
        (segmenter(), keras_dl.losses.DiceCrossEntropy(multilabel=True, ignore_index=9), labels[..., None] * [1, 1, 1]),
        (segmenter(1), keras_dl.losses.Dice(from_logits=True, ignore_index=9), labels[..., None]),
    ):
        model.compile(loss=loss)
        assert np.isfinite(model.evaluate(images, y, verbose=0, return_dict=True)["loss"])


CONDITIONAL = [{"gradient_accumulation_steps": 2}, {"use_ema": True, "ema_overwrite_frequency": 3}]


@pytest.mark.parametrize("options", CONDITIONAL, ids=lambda options: [*options][-1])
def test_conditional_updates_under_a_strategy(options):
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = segmenter()
        with pytest.raises(ValueError, match=f"{[*options][-1]} should be None under a distribution .*Received: "):
            model.compile(keras.optimizers.SGD(0.1, **options), loss="mse")


def test_weights_that_keras_overwrites():
    with pytest.warns(UserWarning, match="ema_momentum.*Received: an optimizer with use_ema=True"):
        segmenter().compile(keras.optimizers.SGD(0.1, use_ema=True), loss="mse")


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_ragged_and_sparse_tensors(method):
    model = compiled()
    ragged, sparse = tf.ragged.constant([[1.0, 2.0], [3.0]]), tf.sparse.from_dense(X)
    datasets = [] if method.endswith("batch") else [tf.data.Dataset.from_tensor_slices(ragged).batch(2)]
    for x in (ragged, sparse, *datasets):
        with pytest.raises(ValueError, match=f"{method} should be given dense tensors: .*Received: a (Ragged|Sparse)"):
            getattr(model, method)(x)
