"""Models trained on data that stay on disk: as on arrays, to the bit, and what is wrong with a file is said."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_dl
from tests.runtime.jobs import digits, small_vae

X, Y = digits(250)


@pytest.fixture
def opened(tmp_path):
    np.savez(tmp_path / "digits.npz", x=X, y=Y)
    return keras_dl.data.open(tmp_path / "digits.npz")


def classifier():
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model = keras_dl.models.Supervised(network, seed=1)
    model.compile("adam", loss=keras_dl.losses.CrossEntropy(), metrics=["accuracy"], jit_compile=False)
    return model


def assert_same_weights(model, other):
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_fit_is_that_of_arrays_to_the_bit(opened):
    expected, model = small_vae(), small_vae()
    options = {"batch_size": 32, "epochs": 2, "verbose": 0, "validation_split": 0.2}
    history = expected.fit(X, **options).history
    assert model.fit(opened.x, **options).history == history
    assert_same_weights(model, expected)
    assert model.evaluate(opened.x, verbose=0) == expected.evaluate(X, verbose=0)
    np.testing.assert_array_equal(model.predict(opened.x[:40], verbose=0), expected.predict(X[:40], verbose=0))
    part = opened[:40].x
    np.testing.assert_array_equal(model.predict(part, verbose=0), expected.predict(X[:40], verbose=0))


@pytest.mark.full
def test_labels_weights_and_validation_data_are_those_of_arrays(opened):
    expected, model = classifier(), classifier()
    options = {"batch_size": 32, "epochs": 2, "verbose": 0, "class_weight": {0: 3.0}}
    history = expected.fit(X[:200], Y[:200], validation_data=(X[200:], Y[200:]), **options).history
    training, held_out = opened[:200], opened[200:]
    assert model.fit(training.x, training.y, validation_data=(held_out.x, held_out.y), **options).history == history
    assert_same_weights(model, expected)
    scores = model.evaluate(held_out.x, held_out.y, batch_size=16, verbose=0)
    assert scores == expected.evaluate(X[200:], Y[200:], batch_size=16, verbose=0)


class Interrupt(keras.callbacks.Callback):
    """Ends training in the midst of an epoch, as a signal would."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.state.step.numpy() == 13:
            raise KeyboardInterrupt


def test_an_interrupted_epoch_is_resumed_to_the_bit(opened, tmp_path):
    expected = small_vae(jit_compile=False)
    expected.fit(X, batch_size=32, epochs=3, verbose=0)
    model = small_vae(jit_compile=False)
    checkpoint = keras_dl.runtime.Checkpoint(tmp_path / "c", every=5)
    with pytest.raises(KeyboardInterrupt):
        model.fit(opened.x, batch_size=32, epochs=3, verbose=0, callbacks=[checkpoint, Interrupt()])
    resumed = keras_dl.runtime.load_latest(tmp_path / "c")
    assert resumed.state.step.numpy() == 10  # 8 steps an epoch
    again = keras_dl.data.open(tmp_path / "digits.npz")
    resumed.fit(again.x, batch_size=32, epochs=3, initial_epoch=resumed.state.epoch, verbose=0)
    assert_same_weights(resumed, expected)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, r"row 77 of x in .*broken\.npz should be finite. Received: nan"),
        (1.5, r"row 77 of x in .*broken\.npz: .*\[0.0, 1.0\].*Received.*1.5"),
    ],
)
def test_a_bad_row_ends_training_with_its_place(value, message, tmp_path, capfd):
    x = X.copy()
    x[77, 3, 3] = value
    np.savez(tmp_path / "broken.npz", x=x)
    data = keras_dl.data.open(tmp_path / "broken.npz")
    model = small_vae()
    with pytest.raises(keras_dl.data.DataError, match=message):
        model.fit(data.x, batch_size=32, verbose=0)
    if np.isnan(value):
        for method in (model.evaluate, model.predict):
            with pytest.raises(keras_dl.data.DataError, match=message):
                method(data.x, verbose=0)
        with pytest.raises(keras_dl.data.DataError, match=message):
            model.fit(X, validation_data=(data.x,), verbose=0)
    assert "Traceback" not in capfd.readouterr().err


def test_a_broken_picture_ends_training_with_its_name(tmp_path):
    for number in range(40):
        Image.fromarray((X[number, ..., 0] * 255).astype("uint8")).save(tmp_path / f"{number:02d}.png")
    data = keras_dl.data.open(tmp_path)
    (tmp_path / "17.png").write_bytes((tmp_path / "17.png").read_bytes()[:-20])
    with pytest.raises(keras_dl.data.DataError, match=r"17\.png should be one picture"):
        small_vae().fit(data.x, batch_size=8, verbose=0)
    (tmp_path / "17.png").unlink()
    with pytest.raises(keras_dl.data.DataError, match=r"17\.png.*No such file"):
        small_vae().fit(data.x, batch_size=8, verbose=0)


def test_labels_that_the_model_does_not_know_are_refused_before_training(tmp_path):
    np.savez(tmp_path / "data.npz", x=X, y=np.where(np.arange(250) == 33, 10, Y))
    data = keras_dl.data.open(tmp_path / "data.npz")
    shape = (8, 8, 1)
    encoder = keras_dl.networks.mlp_encoder(shape, 2, hidden=(8,), num_classes=10)
    decoder = keras_dl.networks.mlp_decoder(2, shape, hidden=(8,), num_classes=10)
    model = keras_dl.models.ConditionalVAE(encoder, decoder)
    model.compile("adam")
    with pytest.raises(ValueError, match="labels from 0 to 9.*Received.*10"):
        model.fit(data.x, data.y, verbose=0)
    assert model.state.step.numpy() == 0


def test_a_path_is_no_data_and_the_message_says_what_opens_it(tmp_path):
    with pytest.raises(ValueError, match=r"keras_dl\.data\.open\(path\)\.x"):
        small_vae().fit(str(tmp_path))
