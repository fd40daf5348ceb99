"""Callbacks that are told what to monitor, and not whether larger or smaller values are better."""

import keras
import numpy as np
import pytest

import keras_dl
from keras_dl import models
from keras_dl.models.fitting.progress import direct_monitors
from tests.models.builders import images, small_vae
from tests.models.gan_builders import small_gan

MONITORS = {
    "vae": {"val_elbo": "max", "elbo": "max", "val_rate": "min", "distortion": "min", "loss": "min"},
    "gan": {"critic_loss": "min", "val_generator_loss": "min", "val_kid": "min", "modes": "max"},
    "segmenter": {"val_dice": "max", "iou": "max", "val_loss": "min"},
    "classifier": {"f1_score": "max", "val_psnr": "max", "mse": "min", "val_log_prob": "max", "accuracy": "max"},
    "own": {"val_elbo": "min"},
}


def segmenter(*metrics):
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 1)])
    model = models.Supervised(network)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def gan():
    model = small_gan(models.GAN)
    model.compile()
    return model


def vae():
    model = small_vae()
    model.compile("adam")
    return model


BUILT = {
    "vae": vae,
    "gan": gan,
    "segmenter": lambda: segmenter(keras_dl.metrics.Dice(2), keras_dl.metrics.IoU(2)),
    "classifier": lambda: segmenter(keras.metrics.F1Score(), keras_dl.metrics.PSNR(1.0), "mse", "accuracy"),
}


class Own(keras.metrics.MeanSquaredError):
    """A user's metric that has a name of ours and the other direction."""

    def __init__(self):
        super().__init__("elbo")


BUILT["own"] = lambda: segmenter(Own())


@pytest.mark.filterwarnings("ignore:.*reads probabilities")
@pytest.mark.parametrize("kind", MONITORS)
def test_keras_callbacks_know_the_direction(kind, tmp_path):
    model = BUILT[kind]()
    for monitor, expected in MONITORS[kind].items():
        for callback in (
            keras.callbacks.EarlyStopping(monitor),
            keras.callbacks.ReduceLROnPlateau(monitor),
            keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor, save_best_only=True),
        ):
            direct_monitors(model, [callback])
            callback.set_model(model)
            if kind in ("segmenter", "classifier", "own"):  # as after the first epoch
                model._compile_metrics.build(np.zeros((2, 4), "int32"), np.zeros((2, 4, 2), "float32"))
            callback._set_monitor_op()
            better = callback.monitor_op(2.0, 1.0)
            assert bool(better) is (expected == "max"), (monitor, type(callback).__name__)


def test_what_the_user_says_stays_and_what_nobody_knows_is_asked():
    callback = keras.callbacks.EarlyStopping("val_elbo", mode="min")
    direct_monitors(vae(), [callback, keras.callbacks.TerminateOnNaN()])
    assert callback.mode == "min"
    with pytest.raises(ValueError, match="Pass `mode='max'`"):
        vae().fit(images(8), callbacks=[keras.callbacks.EarlyStopping("surprise")], verbose=0)


def test_a_fit_stops_where_the_elbo_no_longer_grows():
    model = vae()
    stop = keras.callbacks.EarlyStopping("val_elbo", patience=0, min_delta=1e9)
    history = model.fit(images(8), validation_data=(images(8),), epochs=5, callbacks=[stop], verbose=0).history
    assert stop.mode == "max" and len(history["elbo"]) == 2
    model.fit(images(8), epochs=3, callbacks=[keras.callbacks.EarlyStopping("elbo")], verbose=0)
