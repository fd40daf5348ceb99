"""Translation without pairs: every term of both cycles, pools against a simulation, uneven domains, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models
from keras_dl.models.base import SampleBuffer
from keras_dl.models.image_pool import from_pool
from tests.models.test_pix2pix import draw
from tests.models.translation_builders import critic, cycle_gan, images, translator

A, B = images(), images(seed=1)


def l1(x, y):
    return np.abs(np.asarray(x) - np.asarray(y)).mean((1, 2, 3))


def squares(scores, target):
    return ((np.asarray(scores).reshape(len(scores), -1) - target) ** 2).mean(1)


def test_the_generators_loss_term_by_term():
    model = cycle_gan(cycle_weight=5.0, identity_weight=0.25)
    values, terms = model.generators_loss((A, B), draw(10))
    fake_b, fake_a = model.forward(A), model.backward(B)
    expected = {
        "adversarial_a": 0.5 * squares(model.critic_a(fake_a), 1.0),
        "adversarial_b": 0.5 * squares(model.critic_b(fake_b), 1.0),
        "cycle_a": l1(model.backward(fake_b), A),
        "cycle_b": l1(model.forward(fake_a), B),
        "identity_a": l1(model.backward(A), A),
        "identity_b": l1(model.forward(B), B),
    }
    assert set(terms) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-4, err_msg=name)
    weights = {"adversarial": 2.0, "cycle": 5.0, "identity": 5.0 * 0.25}
    weighted = [weights[name.split("_")[0]] * value for name, value in expected.items()]
    np.testing.assert_allclose(values, sum(weighted), rtol=1e-4)


@pytest.mark.parametrize("name", ["adversarial_a", "adversarial_b", "cycle_a", "cycle_b", "identity_a", "identity_b"])
def test_which_generators_a_term_moves(name):
    """Each cycle moves both generators; an adversarial term moves the one that makes what is judged."""
    model = cycle_gan(identity_weight=0.5)
    both = [*model.forward.trainable_variables, *model.backward.trainable_variables]
    with tf.GradientTape() as tape:
        _, terms = model.generators_loss((A[:2], B[:2]), draw(2))
        value = tf.reduce_sum(terms[name])
    gradients = tape.gradient(value, [v.value for v in both])
    moved = [g is not None and float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients]
    count = len(model.forward.trainable_variables)
    ways = any(moved[:count]), any(moved[count:])
    expected = {"adversarial_a": (False, True), "adversarial_b": (True, False)}
    expected |= {"identity_a": (False, True), "identity_b": (True, False)}
    assert ways == expected.get(name, (True, True))


def test_the_generators_update_moves_both_generators_and_no_critic():
    model = cycle_gan()
    model.compile()
    generators, critic_a, critic_b = model.updates
    assert {id(v) for v in generators.variables} == {
        id(v) for network in (model.forward, model.backward) for v in network.trainable_variables
    }
    assert {id(v) for v in critic_a.variables} == {id(v) for v in model.critic_a.trainable_variables}
    assert {id(v) for v in critic_b.variables} == {id(v) for v in model.critic_b.trainable_variables}
    assert critic_a.optimizer is critic_b.optimizer is not generators.optimizer


def test_the_critics_losses_are_the_papers():
    model = cycle_gan(pool_size=0)
    for loss, judge, real, fake in (
        (model.critic_a_loss, model.critic_a, A, model.backward(B)),
        (model.critic_b_loss, model.critic_b, B, model.forward(A)),
    ):
        values, terms, _ = loss((A, B), draw(10))
        np.testing.assert_allclose(values, 0.5 * (squares(judge(real), 1.0) + squares(judge(fake), 0.0)), rtol=1e-4)
        np.testing.assert_allclose(terms["fake"], np.mean(judge(fake), axis=(1, 2, 3)), atol=1e-5)


class Simulation:
    """The published pool, one image after another, which is told its draws."""

    def __init__(self, capacity):
        self.capacity, self.images = capacity, []

    def query(self, image, old, place):
        if len(self.images) < self.capacity:
            self.images.append(image)
            return image
        if not old:
            return image
        stored, self.images[place] = self.images[place], image
        return stored


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_pools_are_the_published_ones(rows):
    pool, simulation = SampleBuffer(4, (1,)), Simulation(4)
    numbers = iter(range(1, 1000))
    exchanged = 0
    for step in range(20):
        new = np.array([[next(numbers)] for _ in range(rows)], "float32")
        noise, same = (at_step(rows, step) for _ in range(2))
        seen, handed_back = from_pool(pool, tf.constant(new), noise)
        places, old = same.slots(4).numpy(), (same.uniform() < 0.5).numpy()
        before = len(simulation.images)
        expected = []
        for row in range(rows):
            stored_now = before <= places[row] < len(simulation.images)
            expected.append(simulation.query(new[row], old[row] and not stored_now, places[row]))
        np.testing.assert_array_equal(seen, expected)
        exchanged += int(np.sum(seen.numpy() != new))
        pool.commit(pool.local(handed_back, rows), rows=rows)
        np.testing.assert_array_equal(pool.read(range(len(simulation.images))), simulation.images)
    assert 0.2 < exchanged / (20 * rows) < 0.7


def at_step(rows, step):
    from keras_dl.models.base import Draw

    return Draw(tf.constant(3, tf.int64), tf.constant(step, tf.int64), 0, tf.constant(rows), total=float(rows))


def test_a_batch_larger_than_the_pool():
    pool = SampleBuffer(2, (1,))
    new = np.arange(5.0, dtype="float32")[:, None]
    seen, handed_back = from_pool(pool, tf.constant(new), at_step(5, 0))
    np.testing.assert_array_equal(seen, new)
    pool.commit(pool.local(handed_back, 5), rows=5)
    np.testing.assert_array_equal(pool.read([0, 1]), new[:2])


@pytest.mark.full
def test_training_fills_pools_that_are_saved(tmp_path):
    model = cycle_gan(identity_weight=0.5, ema_momentum=0.9)
    model.compile(keras.optimizers.Adam(2e-3))
    model.fit(A, B[:7], batch_size=2, verbose=0)
    assert int(model.carried["pool_a"].count) >= 3
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for side in "ab":
        pools = [m.carried[f"pool_{side}"] for m in (model, again)]
        assert np.abs(pools[0].samples).max() > 0
        np.testing.assert_array_equal(pools[0].samples, pools[1].samples)
    for one in (model, again):
        one.fit(A, B[:7], batch_size=2, verbose=0)
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(model.translate(A), model.averaged("forward")(A), atol=1e-6)
    np.testing.assert_allclose(
        model.cycle(B, "backward"), model.averaged("forward")(model.averaged("backward")(B)), atol=1e-6
    )


def test_critics_see_the_images_that_moved_the_generators():
    """Translations are made once a step, before the generators move, as in the published code."""
    model = cycle_gan()
    model.compile(keras.optimizers.Adam(0.1))
    fakes = model.backward(A[:2]), model.forward(B[:2])
    model.train_on_batch(B[:2], A[:2])
    for side, fake in zip("ab", fakes, strict=True):
        np.testing.assert_allclose(model.carried[f"pool_{side}"].read([0, 1]), fake, atol=1e-5)
    assert np.abs(model.backward(A[:2]) - fakes[0]).max() > 0.01


def test_evaluation_leaves_pools_alone():
    model = cycle_gan()
    model.compile()
    first = model.evaluate(A[:4], B[:4], batch_size=2, verbose=0, return_dict=True)
    assert int(model.carried["pool_a"].count) == 0
    assert model.evaluate(A[:4], B[:4], batch_size=2, verbose=0, return_dict=True) == first


def test_domains_of_other_channels():
    forward, backward = translator((8, 8, 1), 3), translator((8, 8, 3), 1)
    model = models.CycleGAN(forward, backward, critic((8, 8, 1)), critic((8, 8, 3)), pool_size=2)
    assert model.translate(A).shape == (10, 8, 8, 3)
    assert model.cycle(A).shape == A.shape
    assert model.carried["pool_b"].shape == (8, 8, 3)


def any_size(**options):
    shape = (None, None, 1)
    return models.CycleGAN(translator(shape), translator(shape), critic(shape), critic(shape), **options)


def test_networks_of_any_size():
    assert any_size(pool_size=0).translate(images(2, (12, 10, 1))).shape == (2, 12, 10, 1)
    assert any_size(image_shapes=((8, 8, 1), (8, 8, 1))).carried["pool_a"].shape == (8, 8, 1)


@pytest.mark.parametrize("options", [{"pool_size": 0}, {"image_shapes": ((8, 8, 1), (8, 8, 1))}])
@pytest.mark.parametrize(("a", "b"), [((8, 8, 1), (8, 10, 1)), ((10, 8, 1), (10, 10, 1)), ((10, 10, 1), (8, 8, 1))])
def test_sizes_that_do_not_meet_are_refused(a, b, options):
    """Critics compare images of one domain with translations of the other; pools hold images of one size."""
    model = any_size(**options)
    model.compile()
    with pytest.raises(ValueError, match="images of [ab].* should have shape .*Received: "):
        model.fit(images(2, a), images(2, b), verbose=0)
    model.fit(images(2), images(2), verbose=0)


def test_pixels_of_0_to_255_are_not_translated():
    model = cycle_gan()
    model.compile()
    for call in (model.translate, model.cycle, lambda x: model.translate(x, "backward"), model.predict):
        with pytest.raises(ValueError, match="x should lie in \\[0, 1\\].*Received: values to 200"):
            call(np.full((2, 8, 8, 1), 200, "uint8"))
    assert model.translate(images(2) * 1.2).shape == (2, 8, 8, 1)  # as resampling may lead beyond


@pytest.mark.parametrize(
    "make",
    [
        any_size,
        lambda: any_size(image_shapes=((8, 8, 3), (8, 8, 1))),
        lambda: cycle_gan(cycle_weight=-1),
        lambda: cycle_gan(pool_size=-1),
        lambda: cycle_gan().translate(A, "sideways"),
        lambda: cycle_gan().check_data(A),
        lambda: cycle_gan().check_data((A, B[:, :4])),
        lambda: cycle_gan().check_data((A, B - 0.5)),
        lambda: any_size(pool_size=0).check_data((A, B[:, :5])),  # not one patch of B
        lambda: models.CycleGAN(translator(), translator((8, 8, 3)), critic(), critic()),
        lambda: models.CycleGAN(translator(), translator(), critic((8, 8, 3)), critic()),
        lambda: models.CycleGAN(
            translator((8, 8, 1), 3), translator((8, 8, 3), 1), critic(), critic((8, 8, 3)), identity_weight=0.5
        ),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
