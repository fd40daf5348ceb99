"""Generators that show what they are asked for: second critics, auxiliary classifiers, projection."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives
from tests.models.gan_builders import SHAPE, adams, compiled, images

SIZES = (3, 2, None)


def attributes(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, 3, rows), rng.integers(0, 2, rows), rng.standard_normal(rows)]
    return np.stack(columns, axis=-1).astype("float32")


def build(objective, shared, **options):
    keras.utils.set_random_seed(0)
    generator = networks.mlp_generator(2, SHAPE, hidden=(8,), num_classes=objective.sizes)
    count = objective.num_outputs
    critic = networks.mlp_critic(SHAPE, hidden=(8,), num_outputs=1 + count if shared else 1)
    reader = None if shared else networks.mlp_critic(SHAPE, hidden=(8,), num_outputs=count, name="attribute_critic")
    return models.ConditionalGAN(generator, critic, attributes=objective, attribute_critic=reader, seed=1, **options)


@pytest.mark.parametrize("shared", [False, True])
def test_losses_hold_the_attributes(shared):
    """Beside the adversarial loss: the critic's reading of data, and for the generator of what it made."""
    objective = objectives.Attributes(SIZES, weight=0.7, on_generated=shared)
    gan = compiled(build(objective, shared))
    x, condition = images(), attributes()
    found = gan.evaluate(x, condition, batch_size=60, verbose=0, return_dict=True)
    reader = gan.critic if shared else gan.attribute_critic
    read = reader(x)[:, int(shared) :]
    real = float(tf.reduce_mean(objective(read, condition)))
    assert found["critic_attributes"] == pytest.approx(real, rel=1e-4) or shared
    if shared:  # the critic also reads generated samples, of other noise than the generator's update
        assert found["critic_attributes"] == pytest.approx(real + found["generator_attributes"], rel=0.05)
    adversarial = np.logaddexp(0, -found["critic_real"]), np.logaddexp(0, -found["critic_fake"])
    generator_loss = found["generator_loss"] - 0.7 * found["generator_attributes"]
    assert generator_loss == pytest.approx(adversarial[1], rel=0.05)
    assert found["critic_loss"] - 0.7 * found["critic_attributes"] == pytest.approx(
        adversarial[0] + np.logaddexp(0, found["critic_fake"]), rel=0.05
    )


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.grid("True")
def test_every_network_learns_and_is_saved(shared, tmp_path):
    gan = compiled(build(objectives.Attributes(SIZES), shared, critic_steps=2, ema_momentum=0.9), **adams())
    before = {network.name: network.get_weights() for network in gan.networks}
    logs = gan.fit(images(), attributes(), batch_size=20, epochs=2, verbose=0).history
    assert {"critic_attributes", "generator_attributes"} <= set(logs)
    for network in gan.networks:
        pairs = zip(network.get_weights(), before[network.name], strict=True)
        assert all(np.abs(a - b).max() > 0 for a, b in pairs), network.name
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert loaded.attributes.get_config() == gan.attributes.get_config()
    assert [n.name for n in loaded.networks] == [n.name for n in gan.networks]
    condition = attributes(4)
    np.testing.assert_array_equal(loaded.sample(4, condition, seed=0), gan.sample(4, condition, seed=0))
    np.testing.assert_array_equal(loaded.discriminate(images(4)), gan.discriminate(images(4)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["second critic", "auxiliary classifier", "projection"])
@pytest.mark.full
def test_the_generator_shows_the_class_asked_for(kind):
    """Three classes of points on a line: samples of a class lie where the class does."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 1024).astype("int32")
    x = (labels[:, None] - 1.0 + 0.1 * rng.standard_normal((1024, 1))).astype("float32")
    generator = networks.mlp_generator(2, (1,), hidden=(32,), output_activation=None, num_classes=3)
    options = {"attributes": objectives.Attributes(3)} if kind in ("second critic", "auxiliary classifier") else {}
    if kind == "second critic":
        options["attribute_critic"] = networks.mlp_critic((1,), hidden=(32,), num_outputs=3)
    outputs = {"num_outputs": 4} if kind == "auxiliary classifier" else {}
    outputs |= {"num_classes": 3} if not options else {}
    critic = networks.mlp_critic((1,), hidden=(32,), projection=kind == "projection", **outputs)
    gan = models.ConditionalGAN(generator, critic, penalty=objectives.R1(0.1), ema_momentum=0.99, seed=0, **options)
    gan.compile(**adams(3e-3))
    gan.fit(x, labels, batch_size=128, epochs=50, verbose=0)
    wanted = np.arange(300) % 3
    found = gan.sample(300, condition=wanted, seed=0).numpy()[:, 0]
    assert np.mean(np.abs(found - (wanted - 1.0)) < 0.4) > 0.9
