"""Networks that grow, of classes: labels beside the latents, and a critic that reads them off images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives
from keras_dl.models import progressive_growth as growth
from keras_dl.models.base import Draw

SIZE = {"filters": 4, "smallest_size": 2}
LABELS = np.arange(64, dtype="int32") % 2
X = (0.1 + 0.8 * LABELS[:, None, None, None] + np.zeros((64, 4, 4, 1))).astype("float32")


def build(**options):
    """A model of two classes that grows from 2 to 4 pixels, not compiled."""
    keras.utils.set_random_seed(0)
    generator = networks.progressive_generator(3, (4, 4, 1), num_classes=2, **SIZE)
    critic = networks.progressive_critic((4, 4, 1), num_outputs=3, **SIZE)
    attributes = objectives.Attributes(2, on_generated=True)
    return models.ProgressiveGAN(
        generator, critic, seed=1, attributes=attributes, **{"stable_images": 64, "fade_images": 192, **options}
    )


def draw(rows=8):
    seed, step = tf.constant(0, tf.int64), tf.constant(0, tf.int64)
    return Draw(seed, step, 0, tf.constant(rows), training=True, total=tf.constant(float(rows)))


def cross_entropy(outputs, labels):
    logits = outputs[:, 1:]
    return np.log(np.exp(logits).sum(1)) - logits[np.arange(len(labels)), labels]


def test_labels_enter_beside_the_latents():
    generator = build().generator
    z, labels = tf.random.stateless_normal((4, 3), (0, 0)), tf.constant([0, 1, 0, 1])
    whole = generator({"latents": z, "condition": labels, "level": tf.ones((4, 1))})
    vectors = tf.concat([z, tf.one_hot(labels, 2)], axis=1)
    np.testing.assert_allclose(growth.images(generator, vectors, 1), whole, atol=1e-6)
    np.testing.assert_array_equal(growth.joined(generator, z, labels), vectors)
    assert np.abs(generator({"latents": z, "condition": 1 - labels, "level": tf.ones((4, 1))}) - whole).max() > 1e-3


def test_the_losses_are_the_auxiliary_classifiers():
    """Labels read off data and samples by the critic, off samples by the generator, in nats."""
    model, rows = build(gradient_penalty=0.0, drift=0.0), X[:8]
    batch = tf.constant(rows), tf.constant(LABELS[:8])
    values, terms = model.critic_loss(batch, draw())
    z = draw().normal((3,))
    fake = growth.images(model.generator, growth.joined(model.generator, z, batch[1]), 0)
    real = growth.reduced(batch[0])
    outputs = [growth.scores(model.critic, x, 0).numpy() for x in (real, fake)]
    expected = sum(cross_entropy(output, LABELS[:8]) for output in outputs)
    np.testing.assert_allclose(terms["attributes"], expected, rtol=1e-5)
    np.testing.assert_allclose(values, outputs[1][:, 0] - outputs[0][:, 0] + expected, rtol=1e-4, atol=1e-5)
    values, terms = model.generator_loss(batch, draw())
    np.testing.assert_allclose(terms["attributes"], cross_entropy(outputs[1], LABELS[:8]), rtol=1e-5)
    np.testing.assert_allclose(values, terms["attributes"] - outputs[1][:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.full
def test_samples_show_the_class_asked_for_after_growth():
    model = build()
    model.compile(keras.optimizers.Adam(1e-2, beta_1=0.0, beta_2=0.99))
    history = model.fit(X, LABELS, batch_size=16, epochs=80, verbose=0).history
    assert model.level == 1.0
    assert history["generator_attributes"][-1] < 0.3 < np.log(2) / 2
    dark, light = (model.sample(32, condition=label, seed=0).numpy().mean() for label in (0, 1))
    assert light - dark > 0.3


def test_saved_models_take_labels(tmp_path):
    model = build()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    expected = model.sample(4, condition=1, seed=2)
    np.testing.assert_array_equal(again.sample(4, condition=1, seed=2), expected)
    model.export(str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved")).signatures
    seed = tf.constant(2, tf.int64)
    sampled = served["sample"](num_samples=tf.constant(4), condition=tf.constant([1]), seed=seed)
    np.testing.assert_allclose(sampled["x"], expected, atol=1e-5)
    scores = served["discriminate"](x=tf.constant(X[:4]))["score"]
    np.testing.assert_allclose(scores, model.discriminate(X[:4]), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": None}, "attributes should be given with a conditional generator"),
        ({"attributes": objectives.Attributes(3)}, "attributes should be those that the generator takes, 2"),
        ({"attribute_critic": 1}, "attribute_critic should not be given"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    generator = networks.progressive_generator(3, (4, 4, 1), num_classes=2, **SIZE)
    critic = networks.progressive_critic((4, 4, 1), num_outputs=3, **SIZE)
    with pytest.raises(ValueError, match=message):
        models.ProgressiveGAN(generator, critic, **{"attributes": objectives.Attributes(2), **options})


def test_labels_are_asked_for():
    with pytest.raises(ValueError, match="condition should be given"):
        build().sample(2)
    with pytest.raises(ValueError, match="from 0 to 1"):
        build().sample(2, condition=2)
