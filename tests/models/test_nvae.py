"""NVAE: what regularisation adds, averages of batch statistics from samples, the defaults."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers, models, objectives
from tests.models.hierarchical_builders import X, nvae


@pytest.fixture(scope="module")
def model():
    return nvae(spectral=objectives.SpectralRegularization(0.5, of_norms=False))


def matrices(model):
    """Kernels, a column for each output channel."""
    found = [layer for network in (model.encoder, model.decoder) for layer in network._flatten_layers()]
    full = [layer.kernel.numpy() for layer in found if isinstance(layer, keras.layers.Conv2D)]
    depthwise = [layer.kernel.numpy() for layer in found if isinstance(layer, keras.layers.DepthwiseConv2D)]
    return [*(k.reshape(-1, k.shape[3]) for k in full), *(k.reshape(-1, k.shape[2]) for k in depthwise)]


def test_regularisation_charges_the_largest_singular_values_of_all_convolutions(model):
    for _ in range(30):  # so many steps of the power iteration
        *_, vectors = model.spectral([model.encoder, model.decoder], model.carried["singular_vectors"].value, 0)
        model.carried["singular_vectors"].variable.assign(vectors)
    exact = sum(np.linalg.svd(matrix, compute_uv=False)[0] for matrix in matrices(model))
    results = model.evaluate(X, verbose=0, return_dict=True)
    assert results["spectral"] == pytest.approx(exact, rel=1e-3)
    assert results["loss"] == pytest.approx(-results["elbo"] + 0.5 * results["spectral"], rel=1e-4)
    before = model.carried["singular_vectors"].value.numpy()
    weights = model.get_weights()
    history = model.fit(X, batch_size=len(X), verbose=0).history
    assert history["loss"][0] > history["distortion"][0] + history["rate"][0]
    assert np.abs(model.carried["singular_vectors"].value - before).max() > 0
    model.set_weights(weights)


def changed(model, before):
    return [w for w, value in zip(model.weights, before, strict=True) if np.any(w.numpy() != value)]


def test_averages_are_estimated_from_samples_at_a_temperature(model):
    decoder, weights = model.decoder, model.get_weights()
    model.recalibrate(temperature=0.5, batches=40, batch_size=32)
    # The first normalisation sees what the first group's latents make of the learned state.
    z = 0.5 * 1.01 * np.random.default_rng(0).normal(size=(2000, 2, 2, 2)).astype("float32")
    merge = decoder.groups[0].merge
    norm = next(part for part in merge.get_layer("up").residual if isinstance(part, layers.BatchNormalization))
    state = tf.broadcast_to(decoder.start.value, (2000, 2, 2, 8))
    joined = merge.get_layer("join")(tf.concat([state, z], -1))
    np.testing.assert_allclose(norm.moving_mean, np.mean(joined, (0, 1, 2)), atol=0.02)
    np.testing.assert_allclose(norm.moving_variance, np.var(joined, (0, 1, 2)), rtol=0.1, atol=1e-3)
    assert {id(w) for w in changed(model, weights)} <= {id(w) for w in decoder.non_trainable_weights}
    again = [w.numpy() for w in decoder.non_trainable_weights]
    model.recalibrate(temperature=0.5, batches=40, batch_size=32)
    for ours, others in zip(decoder.non_trainable_weights, again, strict=True):
        np.testing.assert_allclose(ours, others, atol=1e-6)
    model.set_weights(weights)


def test_averaged_networks_are_recalibrated():
    model = nvae(ema_momentum=0.9)
    own = model.decoder.get_weights()
    before = model.averaged("decoder").get_weights()
    model.recalibrate(temperature=0.7, batches=2, batch_size=4)
    assert any(np.any(a != b) for a, b in zip(before, model.averaged("decoder").get_weights(), strict=True))
    for ours, others in zip(own, model.decoder.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, others)


def test_no_latents_give_no_data(model):
    none = np.zeros((0, model.latent_size))
    assert model.decode(none).shape == model.from_latents(none).shape == (0, 4, 4, 1)


def test_the_defaults_are_the_published_codes():
    model = nvae()
    assert model.spectral == objectives.SpectralRegularization(0.01)
    assert (model.objective.balancing, model.normals.soft_clamp, model.normals.scale_offset) == ("code", 5.0, 0.01)
    model.compile()
    assert type(model.optimizer) is keras.optimizers.Adamax
    assert nvae(spectral=None).get_config()["spectral"] is None
    assert "singular_vectors" not in nvae(spectral=None).carried


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nvae(spectral=-1.0), "spectral should be a schedule, or a number of at least 0"),
        (lambda: nvae().recalibrate(temperature=-1), "`temperature` should be"),
        (lambda: nvae().recalibrate(batch_size=1), "`batch_size` should be an integer of at least 2"),
        (lambda: models.NVAE(*[keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])] * 2), "TopDown"),
    ],
)
def test_refusals(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        build()
