"""Feature networks: what they extract, what they refuse, how they are trained, kept and told apart."""

import keras
import numpy as np
import pytest

from keras_dl import data, files, metrics, networks


def images(rows=7, shape=(8, 8, 1), seed=0):
    return np.random.default_rng(seed).random((rows, *shape), dtype="float32")


def small_classifier(name="small", activation=None):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1))
    hidden = keras.layers.Dense(6, "relu", name="features")(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, keras.layers.Dense(3, activation)(hidden), name=name)


def test_batches_give_what_one_call_gives():
    network = metrics.with_features(small_classifier())
    features = metrics.Features(network, "small", batch_size=3)
    x = images()
    expected = network(x)
    found = features.extract(x)
    np.testing.assert_allclose(found.vectors, expected[0], rtol=1e-6)
    np.testing.assert_allclose(found.probabilities, expected[1], rtol=1e-6)
    np.testing.assert_array_equal(features(x.astype("float64")), found.vectors)
    assert features._compiled.experimental_get_tracing_count() == 1  # the last, smaller batch included


def test_layers_that_differ_in_training_are_frozen():
    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.BatchNormalization()(keras.layers.Dropout(0.5)(inputs)))
    features, x = metrics.Features(network, "still"), images(5, (4,))
    np.testing.assert_array_equal(features(x), features(x))
    np.testing.assert_allclose(features(x), network(x, training=False), rtol=1e-6)


@pytest.mark.parametrize(
    "classifier",
    [
        lambda: small_classifier(),
        lambda: small_classifier(activation="softmax"),
        lambda: keras.Sequential(small_classifier().layers),
        lambda: keras.Sequential([*small_classifier().layers, keras.layers.Softmax()]),
    ],
)
def test_with_features(classifier):
    classifier = classifier()
    sure = "softmax" in str(classifier.layers[-1].get_config()).lower()
    x = images()
    vectors, probabilities = metrics.with_features(classifier, "features")(x)
    outputs = np.asarray(classifier(x))
    expected = outputs if sure else np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)
    np.testing.assert_allclose(
        vectors, keras.Model(classifier.inputs[0], classifier.get_layer("features").output)(x), rtol=1e-6
    )


def test_saved_and_loaded(tmp_path):
    features = metrics.Features(metrics.with_features(small_classifier("lenet-small")), value_range=(0.0, 1.0))
    features.save(tmp_path / "kept" / "features.keras")
    loaded = metrics.Features.load(tmp_path / "kept" / "features.keras")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"features.keras", files.LIST}
    assert loaded.name == features.name == "lenet-small" and loaded.fingerprint == features.fingerprint
    np.testing.assert_array_equal(loaded(images()), features(images()))
    weights = loaded.network.get_weights()
    weights[0][0, 0] += 1e-3
    loaded.network.set_weights(weights)
    assert loaded.fingerprint != features.fingerprint
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="feature network. Received: .*broken.keras"):
        metrics.Features.load(tmp_path / "broken.keras")
    with pytest.raises(ValueError, match="should end in .keras. Received"):
        features.save(tmp_path / "features.h5")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (images(3, (9, 8, 1)), r"\(num_images, 8, 8, 1\). Received: \(3, 9, 8, 1\)"),
        (images(3)[0], "Received: "),
        (images(0), r"Received: \(0, 8, 8, 1\)"),
        (images(3) * np.float32("nan"), "NaN"),
        (images(3) * 2 - 1, r"in \[0.0, 1.0\] for small. Received: values from -"),
    ],
)
def test_other_images_are_refused(x, message):
    features = metrics.Features(small_classifier(), "small", value_range=(0.0, 1.0))
    with pytest.raises(ValueError, match=message):
        features(x)


def test_other_networks_are_refused():
    with pytest.raises(TypeError, match="built keras.Model. Received: 'inception'"):
        metrics.Features("inception")
    with pytest.raises(ValueError, match="vectors.*Received: 1 inputs and outputs of shape .*5, 5, 16"):
        metrics.Features(networks.lenet5((28, 28, 1), include_top=False))
    with pytest.raises(ValueError, match="class probabilities. Received: small"):
        metrics.Features(small_classifier(), "small").accuracy(images(2), [0, 1])


def test_trained_once_and_read_afterwards(tmp_path):
    (x, y), (x_test, y_test) = data.load("digits")
    file = tmp_path / "lenet-digits.keras"
    found = []
    for seed in (0, 1):  # the second classifier, of other weights, is not trained: the file is read
        keras.utils.set_random_seed(seed)
        classifier = networks.lenet5((8, 8, 1), 10)
        found.append(metrics.train_features(classifier, x, y, "lenet-digits", file, epochs=6, batch_size=32))
    assert found[0].fingerprint == found[1].fingerprint
    assert found[0].value_range == found[1].value_range == (0.0, 1.0)
    assert found[0].accuracy(x_test, y_test) == found[1].accuracy(x_test, y_test) > 0.8
    assert metrics.KID(found[1]).title("kid") == "KID[lenet-digits]"
    with pytest.raises(ValueError, match="should hold the features lenet-other.*Received: lenet-digits"):
        metrics.train_features(classifier, x, y, "lenet-other", file)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (images(3), [0, 1], "one integer label per image.*Received"),
        (images(2), [0.0, 1.0], "one integer label per image.*Received"),
        (images(2), [0, 3], "labels should be from 0 to 2. Received: labels from 0 to 3"),
        (images(2, (4, 4, 1)), [0, 1], r"shape \(8, 8, 1\). Received: \(4, 4, 1\)"),
    ],
)
def test_other_training_data_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        metrics.train_features(small_classifier(), x, y, "small", epochs=1)


@pytest.mark.soak
def test_a_lenet_on_mnist_is_good_enough(real_data):
    (x, y), (x_test, y_test) = real_data("mnist")
    keras.utils.set_random_seed(0)
    features = metrics.train_features(networks.lenet5((28, 28, 1), 10), x, y, "lenet-mnist")
    assert features.accuracy(x_test, y_test) >= 0.985


@pytest.mark.slow
@pytest.mark.full
def test_inception_takes_grey_images_of_any_size():
    features = metrics.inception_features((28, 28, 1), weights=None)
    x = images(2, (28, 28, 1))
    found = features.extract(x)
    assert features.name == "inception_v3-random"
    assert found.vectors.shape == (2, 2048) and found.probabilities.shape == (2, 1000)
    inception = next(layer for layer in features.network.layers if isinstance(layer, keras.Model))
    large = keras.ops.image.resize(x, (299, 299), antialias=True) * 2 - 1
    expected = inception(np.repeat(large, 3, axis=-1), training=False)[0]
    np.testing.assert_allclose(found.vectors, expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="in .0.0, 1.0. for inception_v3-random"):
        features(x - 1.0)


def test_inception_without_its_weights_says_so(monkeypatch):
    def fails(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "InceptionV3", fails)
    with pytest.raises(OSError, match="could not be had.*weights='imagenet' .URL fetch failure"):
        metrics.inception_features((28, 28, 1))
    with pytest.raises(ValueError, match="`input_shape`.*Received"):
        metrics.inception_features((28, 28, 2))
