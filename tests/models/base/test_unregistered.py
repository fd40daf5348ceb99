"""Parts of a user's that Keras would not find in a file: they are named when the model is saved."""

import warnings

import keras
import pytest

import keras_dl
from keras_dl import models, networks
from tests.models.builders import small_vae
from tests.models.gan_builders import small_gan


class OwnLikelihood(keras_dl.likelihoods.Bernoulli):
    """A likelihood that is not registered."""


class OwnObjective(keras_dl.objectives.Wasserstein):
    """An objective that is not registered."""


class OwnPenalty(keras_dl.objectives.GradientPenalty):
    """A penalty that is not registered."""


class OwnSchedule(keras.optimizers.schedules.ExponentialDecay):
    """A schedule that is not registered."""


class OwnLayer(keras.layers.Dense):
    """A layer that is not registered."""


class OwnMetric(keras.metrics.MeanSquaredError):
    """A metric that is not registered."""


def own_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), -1)


def vae():
    encoder, decoder = networks.mlp_encoder((4,), 2, hidden=(3,)), networks.mlp_decoder(2, (4,), hidden=(3,))
    return models.VAE(encoder, decoder, OwnLikelihood())


def supervised(layer=keras.layers.Dense, **options):
    model = models.Supervised(keras.Sequential([keras.Input((2,)), layer(2)]))
    model.compile(**({"optimizer": "sgd", "loss": "mse"} | options))
    return model


PARTS = {
    "OwnLikelihood": vae,
    "OwnObjective": lambda: small_gan(models.GAN, objective=OwnObjective()),
    "OwnPenalty": lambda: small_gan(models.GAN, penalty=OwnPenalty()),
    "OwnSchedule": lambda: supervised(optimizer=keras.optimizers.SGD(OwnSchedule(0.1, 10, 0.5))),
    "OwnLayer": lambda: supervised(OwnLayer),
    "OwnMetric": lambda: supervised(metrics=[OwnMetric()]),
    "own_loss": lambda: supervised(loss=own_loss),
}


@pytest.mark.filterwarnings("ignore:.*(sigmoid|Sequential)")
@pytest.mark.parametrize("name", PARTS)
def test_what_a_file_will_lack_is_named_when_it_is_written(name, tmp_path):
    model = PARTS[name]()
    with pytest.warns(UserWarning, match=f"{name} should be registered by @keras.saving.register_keras_serializable"):
        model.save(tmp_path / "m.keras")
    with pytest.raises(Exception, match=name):
        keras.saving.load_model(tmp_path / "m.keras")
    own = globals()[name]
    assert type(keras.saving.load_model(tmp_path / "m.keras", custom_objects={name: own})) is type(model)


@keras.saving.register_keras_serializable("test_unregistered")
def registered_loss(y_true, y_pred):
    return own_loss(y_true, y_pred)


REGISTERED = {"loss": registered_loss, "metrics": ["mae", keras.metrics.binary_accuracy, keras_dl.metrics.PSNR(1.0)]}


def test_models_of_our_parts_and_registered_ones_are_saved_without_a_word(tmp_path):
    kind = type("Registered", (keras_dl.likelihoods.Bernoulli,), {})
    keras.saving.register_keras_serializable("test_unregistered")(kind)
    model = small_vae()
    model.likelihood = kind()
    model.compile("adam")
    for one in (model, small_gan(models.WGANGP), supervised(**REGISTERED)):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            one.save(tmp_path / "m.keras")
