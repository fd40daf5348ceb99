"""A saved and loaded model goes on as the one that was never stopped, to the bit, in a fresh process."""

import json

import keras
import numpy as np
import pytest

from tests.models.builders import images, largest_difference, small_classifier, small_vae
from tests.processes import output_of

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
RESUME = """
import json, sys
import keras, numpy as np
import keras_dl
from tests.models.builders import images
for path, labelled in json.loads(sys.argv[1]):
    model = keras.saving.load_model(path)
    y = np.arange(50) % 3 if labelled else None
    model.fit(images(50), y, batch_size=8, epochs=4, initial_epoch=2, verbose=0)
    model.save(path)
"""


def vae():
    model = small_vae(dropout=0.4, ema_momentum=0.9)
    model.compile(optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 30)))
    return model


def classifier():
    model = small_classifier()
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss=LOSS, metrics=["accuracy"], jit_compile=False)
    return model


@pytest.mark.full
def test_a_fresh_process_goes_on_to_the_bit(tmp_path):
    cases = []
    for build, labelled in ((vae, False), (classifier, True)):
        y = np.arange(50) % 3 if labelled else None
        whole, part = build(), build()
        whole.fit(images(50), y, batch_size=8, epochs=4, verbose=0)
        part.fit(images(50), y, batch_size=8, epochs=2, verbose=0)
        path = str(tmp_path / f"{build.__name__}.keras")
        part.save(path)
        assert largest_difference(whole, part) > 0
        cases.append((whole, path, labelled))
    given = json.dumps([(path, labelled) for _, path, labelled in cases])
    output_of(RESUME, given)
    for whole, path, _ in cases:
        resumed = keras.saving.load_model(path)
        assert largest_difference(whole, resumed) == 0
        assert int(resumed.state.step.numpy()) == int(whole.state.step.numpy()) == 28
        assert resumed.state.epoch == 4


class StopAt(keras.callbacks.Callback):
    """Saves the model within an epoch and stops there."""

    def __init__(self, path, epoch, batch):
        super().__init__()
        self.path, self.at = path, (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            self.model.save(self.path)
            self.model.stop_training = True


@pytest.mark.parametrize("steps_per_execution", [1, 2])
@pytest.mark.grid("2")
def test_a_run_saved_within_an_epoch_goes_on_to_the_bit(tmp_path, steps_per_execution):
    def build():
        model = small_vae(dropout=0.2)
        model.compile(optimizer="adam", jit_compile=False, steps_per_execution=steps_per_execution)
        return model

    path = str(tmp_path / "m.keras")
    whole, part = build(), build()
    history = whole.fit(images(50), batch_size=8, epochs=3, verbose=0).history
    part.fit(images(50), batch_size=8, epochs=3, verbose=0, callbacks=[StopAt(path, 1, 3)])
    resumed = keras.saving.load_model(path)
    assert (resumed.state.epoch, resumed.state.batch) == (1, 4)
    again = resumed.fit(images(50), batch_size=8, epochs=3, initial_epoch=1, verbose=0).history
    assert largest_difference(whole, resumed) == 0
    assert again["loss"][-1] == history["loss"][-1]


def test_fitting_twice_is_fitting_longer():
    once, twice = classifier(), classifier()
    y = np.arange(50) % 3
    once.fit(images(50), y, epochs=4, verbose=0)
    for _ in range(2):
        twice.fit(images(50), y, epochs=2, verbose=0)
    assert largest_difference(once, twice) == 0


@pytest.mark.full
def test_a_seed_reproduces_and_another_differs():
    def trained(seed):
        model = small_vae(seed=seed)
        model.compile(optimizer="sgd", jit_compile=False)
        model.fit(images(20), batch_size=8, verbose=0)
        return model

    assert largest_difference(trained(3), trained(3)) == 0
    assert largest_difference(trained(3), trained(4)) > 0


def test_the_state_is_no_weight_of_the_model():
    model = small_vae()
    parts = model.encoder.count_params() + model.decoder.count_params()
    assert model.count_params() == parts


def test_a_truncated_file_is_an_error(tmp_path):
    path = tmp_path / "m.keras"
    model = vae()
    model.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(Exception):  # noqa: B017 (Keras decides which)
        keras.saving.load_model(path)


@pytest.mark.parametrize("build", [vae, classifier])
def test_a_save_leaves_no_variables_in_tensorflows_cache(build, tmp_path, monkeypatch):
    model, made = build(), []
    model.save(tmp_path / "first.keras")
    create = keras.Variable.__init__
    monkeypatch.setattr(keras.Variable, "__init__", lambda *args, **options: made.append(create(*args, **options)))
    model.save(tmp_path / "second.keras")
    model.save_weights(tmp_path / "third.weights.h5")
    assert not made
