"""StyleGAN: path lengths by explicit Jacobians, lazy terms, mixing, truncation, averages, projection, bad input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives
from keras_dl.models.base import Draw
from tests.models.gan_builders import compiled, small_stylegan
from tests.models.translation_builders import images

X = images(8)


def draw(rows, training=True, stream=0):
    return Draw(tf.constant(3, tf.int64), tf.constant(0, tf.int64), stream, rows, training=training)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.fixture(scope="module")
def gan():
    """A StyleGAN that no test changes."""
    return small_stylegan()


def test_path_lengths_are_those_of_explicit_jacobians(gan):
    styles = tf.constant(normal(3, 4, 4))
    numbers = draw(3)
    noise, directions = numbers.normal((gan.noise_size,)), numbers.normal((8, 8, 1)) / 8.0
    synthesis = gan.generator.get_layer("synthesis")
    for row in range(3):
        with tf.GradientTape() as tape:
            tape.watch(styles)
            image = synthesis({"styles": styles, "noise": noise})[row]
        jacobian = tape.jacobian(image, styles)[..., row, :, :]  # 8 x 8 x 1 pixels by layers by style
        product = np.einsum("hwc,hwcld->ld", directions[row], jacobian)
        expected = np.sqrt((product**2).sum(1).mean())
        np.testing.assert_allclose(gan.path_lengths(styles, draw(3))[row], expected, rtol=1e-4)


@pytest.mark.full
def test_the_path_loss_charges_the_distance_from_the_mean_and_moves_it():
    gan = compiled(small_stylegan(path_every=1, path_weight=3.0, path_momentum=0.9, mixing=0.0, r1_weight=0.0), 0.0)
    gan.carried["path_length"].variable.assign(0.5)
    values, terms, handed_back = gan.path_loss(X, draw(8))
    np.testing.assert_allclose(values, 3 * (terms["length"] - 0.5) ** 2, rtol=1e-5)
    assert handed_back["path_length"] is terms["length"]
    history = gan.fit(X, batch_size=8, epochs=1, verbose=0).history
    mean = 0.9 * 0.5 + 0.1 * history["path_length"][0]  # over every second row
    np.testing.assert_allclose(gan.carried["path_length"].value, mean, rtol=1e-4)


def test_lazy_terms_have_the_weight_of_terms_in_every_step():
    """Times the number of steps, so that a step's expectation is that of a term in every step; the same noise."""
    every, lazy = (small_stylegan(r1_every=k, path_every=k, path_weight=2.0) for k in (1, 4))
    np.testing.assert_allclose(lazy.r1_loss(X, draw(8)), 4 * np.asarray(every.r1_loss(X, draw(8))), rtol=1e-5)
    few, all_steps = (np.asarray(gan.path_loss(X, draw(8))[0]) for gan in (lazy, every))
    np.testing.assert_allclose(few, 4 * all_steps, rtol=1e-5)
    compiled(lazy)
    rates = {update.name: (update.every, update.rescale) for update in lazy.updates}
    assert rates == {"critic": (1, False), "r1": (4, True), "generator": (1, False), "path": (4, True)}
    assert lazy.updates[0].optimizer is lazy.updates[1].optimizer


def test_mixed_styles_are_those_of_two_latents():
    gan = small_stylegan((16, 16, 1), mixing=0.5)
    styles, first = (np.asarray(one) for one in gan._drawn_styles(draw(400), None))
    of_first = (styles == first[:, None]).all(2)
    assert of_first[:, 0].all() and (np.diff(of_first.astype(int), axis=1) <= 0).all()
    cuts = np.bincount(of_first.sum(1), minlength=7)
    assert cuts[0] == 0 and abs(cuts[6] / 400 - 0.5) < 0.08
    assert (cuts[1:6] > 20).all()  # of 40 each
    assert not np.array_equal(*np.asarray(gan._drawn_styles(draw(2), None)[0])[:, 0])


def test_no_truncation_and_truncation_to_the_mean_image():
    gan, z = small_stylegan(), normal(5, 4)
    gan.carried["mean_style"].variable.assign(normal(4, seed=2))
    whole, half, none = (np.asarray(gan.style(z, truncation=psi)) for psi in (None, 0.5, 0))
    np.testing.assert_allclose(half, (whole + none) / 2, atol=1e-6)
    np.testing.assert_allclose(none, np.broadcast_to(gan.mean_style, (5, 4, 4)), atol=1e-6)
    mean_image = gan.synthesize(np.asarray(gan.mean_style)[None])
    np.testing.assert_allclose(gan.generate(z, truncation=0), np.repeat(mean_image, 5, axis=0), atol=1e-5)
    np.testing.assert_allclose(gan.generate(z), gan.predict(z, verbose=0), atol=1e-6)


@pytest.mark.full
def test_the_mean_style_follows_the_mapping():
    gan = compiled(small_stylegan(style_momentum=0.0), 0.0)
    gan.fit(np.repeat(X, 64, axis=0), batch_size=512, epochs=1, verbose=0)
    styles = gan.generator.get_layer("mapping")(normal(5000, 4))
    np.testing.assert_allclose(gan.mean_style, np.mean(styles, 0), atol=0.2)
    assert np.abs(gan.mean_style).max() > 0.1


def test_samples_repeat_and_noise_is_seen(gan):
    z = normal(3, 4)
    np.testing.assert_array_equal(gan.sample(3, seed=4), gan.sample(3, seed=4))
    styles = gan.style(z)
    fixed, other = gan.synthesize(styles), gan.synthesize(styles, normal(3, gan.noise_size))
    np.testing.assert_array_equal(fixed, gan.synthesize(styles))
    assert np.abs(fixed - other).max() > 1e-3
    mixed = gan.mix(styles, styles[::-1], 1)
    np.testing.assert_array_equal(mixed[:, 0], styles[:, 0])
    np.testing.assert_array_equal(mixed[:, 1:], styles[::-1, 1:])


@pytest.mark.parametrize("per_layer", [True, pytest.param(False, marks=pytest.mark.full)])
def test_projection_comes_near_an_image_of_the_generator(gan, per_layer):
    target = gan.generate(normal(2, 4, seed=5))
    start = tf.reduce_mean(tf.square(gan.synthesize(tf.zeros((2, 4))) - target), (1, 2, 3))
    styles, distances = gan.project(target, steps=50, per_layer=per_layer)
    assert np.less(distances, 0.1 * start).all()
    again = tf.reduce_mean(tf.square(gan.synthesize(styles) - target), (1, 2, 3))
    np.testing.assert_allclose(again, distances, atol=1e-5)
    assert np.array_equal(styles[:, 0], styles[:, 1]) is not per_layer


def test_images_of_no_rows_have_no_styles(gan):
    styles, distances = gan.project(np.zeros((0, *X.shape[1:])))
    assert styles.shape == (0, gan.num_styles, gan.style_size)
    assert distances.shape == (0,)


def test_the_mean_style_of_published_weights_is_given(tmp_path):
    gan = small_stylegan()
    gan.mean_style = mean = normal(gan.style_size, seed=3)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(again.mean_style, mean)
    np.testing.assert_allclose(again.style(normal(2, 4), truncation=0.0)[1, 2], mean)
    with pytest.raises(ValueError, match="mean_style should have shape .*Received"):
        gan.mean_style = mean[:-1]


@pytest.mark.parametrize("name", ["path_momentum", "style_momentum"])
def test_momenta_are_refused_by_their_names(name):
    with pytest.raises(ValueError, match=f"`{name}` should be .*Received: {name}=1.5"):
        small_stylegan(**{name: 1.5})


@pytest.mark.full
def test_exported_functions(tmp_path):
    gan, z = small_stylegan(num_classes=3), normal(2, 4)
    gan.export(tmp_path / "saved")
    served = tf.saved_model.load(tmp_path / "saved")
    labels = np.array([0, 2], "int32")
    styles = served.style(z, labels)["styles"]
    np.testing.assert_allclose(styles, gan.style(z, labels), atol=1e-6)
    noise = normal(2, gan.noise_size)
    np.testing.assert_allclose(served.synthesize(styles, noise)["x"], gan.synthesize(styles, noise), atol=1e-5)
    np.testing.assert_allclose(served.generate(z, labels)["x"], gan.generate(z, labels), atol=1e-5)
    assert served.sample(2, labels, 5)["x"].shape == (2, 8, 8, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda gan: models.StyleGAN(networks.mlp_generator(2, (8, 8, 1)), gan.critic), "mapping"),
        (lambda gan: models.StyleGAN(gan.generator, gan.critic, mixing=2.0), "mixing"),
        (lambda gan: models.StyleGAN(gan.generator, gan.critic, r1_every=0), "r1_every"),
        (lambda gan: models.StyleGAN(gan.generator, gan.critic, style_momentum=1.0), "momentum"),
        (lambda gan: models.StyleGAN(gan.generator, gan.critic, critic_steps=2), "critic_steps"),
        (lambda gan: gan.style(normal(2, 3)), "latents"),
        (lambda gan: gan.style(normal(2, 4), truncation="none"), "truncation"),
        (lambda gan: gan.synthesize(normal(2, 3, 4)), "styles"),
        (lambda gan: gan.synthesize(normal(2, 4), normal(1, gan.noise_size)), "noise"),
        (lambda gan: gan.mix(normal(2, 4), normal(2, 4), 5), "cut"),
        (lambda gan: gan.mix(normal(2, 4), normal(1, 4), 1), "fine"),
        (lambda gan: gan.project(X[:2], steps=0), "steps"),
        (lambda gan: gan.project(X[:2, :4]), "images"),
        (lambda gan: gan.project(255 * X[:2]), r"images should lie in \[0, 1\], the range of the generator's sigmoid"),
    ],
)
def test_bad_input_is_refused(gan, call, words):
    with pytest.raises((ValueError, TypeError), match=rf"(?s){words}.*Received"):
        call(gan)


@pytest.mark.full
def test_augmentation_is_part_of_the_training_and_saved(tmp_path):
    augmentation = objectives.AdaptiveAugmentation(target=-1.0, images=64.0)  # scores above -1: p rises at each step
    gan = compiled(small_stylegan(augmentation=augmentation, r1_every=2, path_weight=0.0))
    gan.fit(X, batch_size=4, epochs=2, verbose=0)
    np.testing.assert_allclose(gan.carried["augmentation"].value[0], 16 / 64, rtol=1e-5)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(again.carried["augmentation"].value, gan.carried["augmentation"].value)
    np.testing.assert_array_equal(again.mean_style, gan.mean_style)
    assert again.augmentation.target == -1.0
