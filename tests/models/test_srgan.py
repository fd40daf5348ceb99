"""Adversarial super-resolution: losses term by term, phases, refusals."""

import keras
import numpy as np
import pytest

from keras_dl import models, networks
from tests.models.test_pix2pix import draw, softplus
from tests.models.translation_builders import critic, images

LARGE = images()
SMALL = LARGE[:, ::2, ::2]


def generator():
    keras.utils.set_random_seed(0)
    return networks.espcn((None, None, 1), 2, (4,), (3, 3), enlarged_input=True)


def features():
    return networks.espcn((8, 8, 1), 1, (2,), (3, 3), name="judge")


def srgan(kind=models.SRGAN, **options):
    return kind(generator(), critic(), **{"features": features(), "seed": 0, **options})


def distances(kind, x, y):
    difference = np.asarray(x) - np.asarray(y)
    return (difference**2 if kind is models.SRGAN else np.abs(difference)).mean((1, 2, 3))


def lost(kind, own, other):
    """What scores lose that should be higher than the other ones, of data and of what was enlarged."""
    if kind is models.SRGAN:
        return softplus(-own)
    return softplus(other.mean() - own) + softplus(other - own.mean())


@pytest.mark.parametrize(
    ("kind", "weights"), [(models.SRGAN, (0.5, 0.006, 1e-3)), (models.ESRGAN, (0.01, 1.0, 5e-3))]
)
def test_losses_term_by_term(kind, weights):
    model = srgan(kind, pixel_weight=weights[0])
    enlarged = model.generator(SMALL).numpy()
    fake, real = (model.critic(x).numpy().reshape(len(x), -1) for x in (enlarged, LARGE))
    values, terms = model.generator_loss((SMALL, LARGE), draw(10))
    expected = {
        "pixels": distances(kind, enlarged, LARGE),
        "features": distances(kind, model.features(enlarged), model.features(LARGE)),
    }
    expected["adversarial"] = lost(kind, fake, real).mean(1)
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-4, err_msg=name)
    total = sum(weight * value for weight, value in zip(weights, expected.values(), strict=True))
    np.testing.assert_allclose(values, total, rtol=1e-4)
    values, _ = model.critic_loss((SMALL, LARGE), draw(10))
    by_hand = lost(kind, real, fake) + (softplus(fake) if kind is models.SRGAN else 0.0)
    np.testing.assert_allclose(values, by_hand.mean(1), rtol=1e-4)


def weights(model, name):
    return [np.array(w) for w in getattr(model, name).get_weights()]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_phases_follow_one_another_and_are_resumed(tmp_path):
    model = srgan(pretraining=20)
    model.compile(keras.optimizers.Adam(1e-3))
    untouched = weights(model, "critic")
    history = model.fit(SMALL, LARGE, batch_size=5, epochs=2, verbose=0).history
    assert same(weights(model, "critic"), untouched)
    assert "critic_loss" not in history and history["pixels_loss"][0] > 0 and history["phase"] == [1, 1]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, again):
        history = one.fit(SMALL, LARGE, batch_size=5, verbose=0).history
        assert history["critic_loss"][0] > 0 and "pixels_loss" not in history and history["phase"] == [2]
    assert same(model.get_weights(), again.get_weights())
    assert not same(weights(model, "critic"), untouched)
    # The generator's Adam began anew with the game: two steps of it in one epoch.
    assert int(model.generator_optimizer.iterations) == 2


def test_features_do_not_learn():
    model = srgan()
    model.compile(keras.optimizers.Adam(1e-2))
    before = weights(model, "features"), weights(model, "generator")
    model.fit(SMALL, LARGE, batch_size=5, verbose=0)
    assert same(weights(model, "features"), before[0])
    assert not same(weights(model, "generator"), before[1])
    assert model.get_config()["features"]["config"]["name"] == "judge"


def test_without_features_pixels_count():
    assert srgan(features=None).pixel_weight == 1.0
    assert srgan().pixel_weight == 0.0


def test_images_of_any_size():
    model = srgan()
    x = images(1, (13, 9, 1))
    np.testing.assert_allclose(model.upscale(x, tile=4), model.generator(x), atol=1e-5)
    assert model.predict(SMALL, verbose=0).shape == LARGE.shape


def test_images_without_a_patch_are_refused():
    model = models.SRGAN(generator(), critic((None, None, 1)))
    model.check_data((images(2, (3, 4, 1)), images(2, (6, 8, 1))))
    with pytest.raises(ValueError, match="critic should have a patch to judge.*Received: images of 4x8"):
        model.check_data((images(2, (2, 4, 1)), images(2, (4, 8, 1))))


@pytest.mark.parametrize(
    "make",
    [
        lambda: srgan(distance="l1"),
        lambda: srgan(feature_weight=-1),
        lambda: srgan(pretraining=-1),
        lambda: models.SRGAN(critic(), critic()),
        lambda: srgan(features=networks.espcn((None, None, 3), 1, (2,), (3, 3))),  # colours, of grey images
        lambda: models.SRGAN(generator(), critic((8, 8, 3))),
        lambda: srgan().check_data((SMALL, SMALL)),
        lambda: srgan().check_data((255 * SMALL, 255 * LARGE)),
        lambda: srgan().check_data((SMALL, LARGE, np.ones(len(LARGE)))),  # weights, which no term takes
        lambda: srgan().check_data((images(2, (5, 5, 1)), images(2, (10, 10, 1)))),  # the critic takes 8 x 8
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
