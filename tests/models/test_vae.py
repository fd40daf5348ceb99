import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import likelihoods, models, networks, objectives
from tests.models.builders import SHAPE, images, small_vae


def compiled(**options):
    vae = small_vae(**options)
    vae.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    return vae


def test_training_lowers_the_loss_and_reports_the_terms():
    held_out = (images(20, seed=1),)
    history = compiled().fit(images(), batch_size=16, epochs=15, validation_data=held_out, verbose=0).history
    assert {"loss", "elbo", "rate", "distortion", "val_loss", "val_elbo"} <= set(history)
    assert history["loss"][-1] < history["loss"][0] - 0.1
    assert history["loss"][-1] == pytest.approx(history["distortion"][-1] + history["rate"][-1], rel=1e-5)


def test_shapes_of_everything():
    vae = compiled()
    x = images(5)
    assert vae.encode(x).shape == (5, 2)
    assert vae.decode(np.zeros((3, 2))).shape == (3, *SHAPE)
    assert vae.reconstruct(x).shape == vae.predict(x, verbose=0).shape == x.shape
    assert vae.sample(7).shape == (7, *SHAPE)
    assert vae.log_prob(x, num_samples=3).shape == (5,)
    assert vae.posterior_of(x).sample(4).shape == (4, 5, 2)


def test_sampling_is_fixed_by_a_seed_and_fresh_without():
    vae = compiled()
    np.testing.assert_array_equal(vae.sample(3, seed=5), vae.sample(3, seed=5))
    assert (vae.sample(3, seed=5).numpy() != vae.sample(3, seed=6).numpy()).any()
    assert (vae.sample(3).numpy() != vae.sample(3).numpy()).any()


@pytest.mark.grid("likelihood0-x0", "likelihood3-x3")
@pytest.mark.parametrize(
    ("likelihood", "x"),
    [
        (likelihoods.Gaussian(), images(12)),
        (likelihoods.Gaussian(scale=0.3), images(12)),
        (likelihoods.Gaussian(scale="learned"), images(12)),
        (likelihoods.DiscretizedLogistic(), np.round(images(12) * 255) / 255),
        (likelihoods.Categorical(4), np.floor(images(12) * 4)),
    ],
)
def test_every_likelihood_trains(likelihood, x):
    encoder = networks.mlp_encoder(SHAPE, 2, hidden=(8,))
    decoder = networks.mlp_decoder(2, SHAPE, hidden=(8,), parameters_per_value=likelihood.parameters_per_value)
    vae = models.VAE(encoder, decoder, likelihood, seed=0)
    vae.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    losses = vae.fit(x, batch_size=12, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert vae.reconstruct(x).shape == x.shape
    if getattr(likelihood, "log_scale", None) is not None:
        assert float(likelihood.log_scale.numpy()) != 0


@pytest.mark.full
@pytest.mark.parametrize("kind", ["labels", "vectors"])
def test_a_conditional_vae_learns_what_the_condition_says(kind):
    labels = np.random.default_rng(0).integers(0, 2, 200)
    x = np.where(labels[:, None, None, None] == 1, 0.9, 0.1) * np.ones((200, *SHAPE), np.float32)
    condition = labels if kind == "labels" else np.stack([labels, 1 - labels], 1).astype(np.float32)
    given = {"num_classes": 2} if kind == "labels" else {"condition_shape": (2,)}
    encoder = networks.mlp_encoder(SHAPE, 2, hidden=(8,), **given)
    vae = models.ConditionalVAE(encoder, networks.mlp_decoder(2, SHAPE, hidden=(8,), **given), seed=0)
    vae.compile(optimizer=keras.optimizers.Adam(2e-2), jit_compile=False)
    vae.fit(x, condition, batch_size=50, epochs=40, verbose=0)
    dark, bright = (vae.sample(20, condition=condition[labels == k][:1], seed=0).numpy().mean() for k in (0, 1))
    assert dark < 0.25
    assert bright > 0.75
    assert vae.log_prob(x[:3], condition[:3], num_samples=4).shape == (3,)
    assert vae.reconstruct(x[:3], condition[:3]).shape == (3, *SHAPE)
    assert vae.predict((x[:3], condition[:3]), verbose=0).shape == (3, *SHAPE)
    assert np.isfinite(vae.evaluate(x, condition, verbose=0)).all()


@pytest.mark.parametrize("schedule", [objectives.Linear(6), objectives.Cyclical(4), objectives.Sigmoid(8)])
@pytest.mark.grid("schedule0")
def test_annealing_follows_the_step_when_steps_are_stacked_and_after_a_resume(schedule, tmp_path):
    def betas(steps_per_execution, resume):
        x = np.repeat(images(1), 40, 0)  # the same rate in every batch
        vae = small_vae(beta=schedule)
        vae.compile(optimizer=keras.optimizers.SGD(0.0), steps_per_execution=steps_per_execution, jit_compile=False)
        found = []
        for _ in range(4):
            logs = vae.fit(x, batch_size=20, verbose=0).history
            found.append((logs["loss"][0] - logs["distortion"][0]) / logs["rate"][0])
            if resume:
                vae.save(tmp_path / "m.keras")
                vae = keras.saving.load_model(tmp_path / "m.keras")
        return found

    expected = [np.mean([float(schedule(step)) for step in (2 * e, 2 * e + 1)]) for e in range(4)]
    for found in (betas(1, False), betas(2, False), betas(1, True)):
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_config_round_trip():
    likelihood = likelihoods.Gaussian(scale=0.5)
    vae = small_vae(objective=objectives.IWAE(3), likelihood=likelihood, ema_momentum=0.9, name="v")
    again = models.VAE.from_config(vae.get_config())
    assert again.objective.num_samples == 3
    assert (again.likelihood.scale, again.ema_momentum, again.name, again.seed) == (0.5, 0.9, "v", vae.seed)
    plain = models.VAE.from_config(small_vae(beta=objectives.Linear(9), free_bits=0.25, num_samples=2).get_config())
    assert (plain.objective.beta.steps, plain.objective.free_bits, plain.objective.num_samples) == (9, 0.25, 2)


def test_averaged_weights_are_used_for_sampling_and_not_for_training():
    vae = compiled(ema_momentum=0.5)
    before = [w.copy() for w in vae.ema_networks["decoder"].get_weights()]
    vae.fit(images(16), batch_size=16, verbose=0)
    for old, average, weight in zip(
        before, vae.ema_networks["decoder"].get_weights(), vae.decoder.get_weights(), strict=True
    ):
        np.testing.assert_allclose(average, 0.5 * old + 0.5 * weight, atol=1e-6)
    z = np.zeros((1, 2), np.float32)
    expected = vae.likelihood.mean(vae.ema_networks["decoder"](z))
    np.testing.assert_allclose(vae.decode(z), expected, atol=1e-6)
    assert np.abs(vae.decode(z) - vae.likelihood.mean(vae.decoder(z))).max() > 1e-6


def bad_calls():
    x = images(4)

    def encoder(**given):
        return networks.mlp_encoder(SHAPE, 2, hidden=(4,), **given)

    def decoder(size=2, shape=SHAPE, **given):
        return networks.mlp_decoder(size, shape, hidden=(4,), **given)

    vae = compiled()
    conditional = compiled(num_classes=3)
    return {
        "latent size": lambda: models.VAE(encoder(), decoder(3)),
        "data shape": lambda: models.VAE(encoder(), decoder(shape=(4, 5, 1))),
        "return the parameters of a Gaussian": lambda: models.VAE(encoder(), decoder(), "gaussian"),
        "unknown likelihood": lambda: models.VAE(encoder(), decoder(), "bernouli"),
        "unbuilt": lambda: models.VAE(keras.Sequential([keras.layers.Dense(4)]), decoder()),
        "no network": lambda: models.VAE("encoder", decoder()),
        "unconditional": lambda: models.ConditionalVAE(encoder(), decoder()),
        "kl": lambda: models.VAE(encoder(), decoder(), kl="exact"),
        "beta": lambda: models.VAE(encoder(), decoder(), beta=-1.0),
        "samples": lambda: models.VAE(encoder(), decoder(), num_samples=0),
        "seed": lambda: models.VAE(encoder(), decoder(), seed=-1),
        "ema": lambda: models.VAE(encoder(), decoder(), ema_momentum=1.0),
        "rank": lambda: vae.fit(x[..., 0], verbose=0),
        "range": lambda: vae.fit(x * 255, verbose=0),
        "nan": lambda: vae.fit(np.full_like(x, np.nan), verbose=0),
        "empty": lambda: vae.fit(x[:0], verbose=0),
        "validation": lambda: vae.fit(x, validation_data=(x * np.nan,), verbose=0),
        "evaluate": lambda: vae.evaluate(x - 1, verbose=0),
        "condition not wanted": lambda: vae.fit(x, np.zeros(4), verbose=0),
        "condition missing": lambda: conditional.fit(x, verbose=0),
        "condition length": lambda: conditional.fit(x, np.zeros(3, int), verbose=0),
        "label too large": lambda: conditional.fit(x, np.full(4, 3), verbose=0),
        "label a fraction": lambda: conditional.sample(2, condition=[0.5, 1.0]),
        "sample condition": lambda: conditional.sample(4, condition=[0, 1]),
        "no condition to sample": lambda: conditional.sample(4),
        "no samples": lambda: vae.sample(0),
        "latents": lambda: vae.decode(np.zeros((2, 3))),
        "log_prob": lambda: vae.log_prob(x, num_samples=0),
        "encode": lambda: vae.encode(x * np.nan),
        "sample weights": lambda: vae.fit(x, None, sample_weight=np.ones(4), verbose=0),
    }


@pytest.mark.parametrize("case", list(bad_calls()))
def test_bad_input_is_refused(case):
    with pytest.raises((ValueError, TypeError), match="(?s)Received"):
        bad_calls()[case]()


def test_methods_are_traced_once():
    vae = compiled()
    for rows in (1, 2, 3, 4):
        vae.encode(images(rows))
        vae.sample(rows)
        vae.log_prob(images(rows), num_samples=rows)
    traces = [f.experimental_get_tracing_count() for call in vae.graphs.values() for f in call.functions.values()]
    assert traces == [1, 1, 1]


def test_gradients_are_those_of_the_loss():
    """The trained weights follow the gradient of the mean loss, taken here by hand on the same noise."""
    vae = small_vae()
    vae.compile(optimizer=keras.optimizers.SGD(0.5), jit_compile=False)
    x = images(6)
    from keras_dl.models.base import noise

    variables = [v.value for v in vae.updates[0].variables]
    before = [v.numpy() for v in variables]
    draw = noise.Draw(vae.state.seed.value, vae.state.step.value, noise.stream_id(noise.TRAIN), 6, 0, True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(vae.loss_terms(tf.constant(x), draw)[0])
    gradients = tape.gradient(loss, variables)
    vae.fit(x, batch_size=6, shuffle=False, verbose=0)
    for variable, old, gradient in zip(variables, before, gradients, strict=True):
        np.testing.assert_allclose(variable, old - 0.5 * gradient, atol=1e-6)
