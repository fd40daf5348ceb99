import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import callbacks, models, networks, objectives
from tests.models.builders import images, small_classifier, small_vae
from tests.models.gan_builders import compiled, small_gan
from tests.models.gan_builders import images as gan_images


def test_annealing_sets_the_schedule_of_a_running_model():
    x = np.repeat(images(1), 40, 0)
    vae = small_vae()
    vae.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=False)
    vae.fit(x, batch_size=20, verbose=0)  # traced with beta = 1
    logs = vae.fit(
        x, batch_size=20, epochs=2, verbose=0, callbacks=[callbacks.KLAnnealing(objectives.Linear(8))]
    ).history
    betas = [(logs["loss"][e] - logs["distortion"][e]) / logs["rate"][e] for e in range(2)]
    np.testing.assert_allclose(betas, [2.5 / 8, 4.5 / 8], atol=2e-3)  # steps 2, 3 and 4, 5


def test_annealing_wants_a_beta():
    model = small_classifier()
    model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    with pytest.raises(ValueError, match="(?s)beta.*Received"):
        model.fit(images(4), np.zeros((4, 3)), verbose=0, callbacks=[callbacks.KLAnnealing(0.5)])


def test_averages_are_evaluated_and_own_weights_trained():
    x = images(16)
    vae, plain = small_vae(ema_momentum=0.8), small_vae(ema_momentum=0.8)
    logs = {}
    for model, given in ((vae, [callbacks.SwapAverages()]), (plain, [])):
        model.compile(optimizer=keras.optimizers.SGD(0.5), jit_compile=False)
        logs[model] = model.fit(x, batch_size=8, epochs=3, validation_data=(x,), verbose=0, callbacks=given).history
    for a, b in zip(vae.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert logs[vae]["loss"] == logs[plain]["loss"]
    assert logs[vae]["val_loss"] != logs[plain]["val_loss"]


def test_averages_must_be_kept():
    vae = small_vae()
    vae.compile(optimizer="sgd")
    with pytest.raises(ValueError, match="(?s)ema_momentum.*Received"):
        vae.fit(images(4), verbose=0, callbacks=[callbacks.SwapAverages()])


class Logged(keras.callbacks.Callback):
    """Changes the logs of an epoch before the callbacks under test see them."""

    def __init__(self, changes):
        super().__init__()
        self.changes = changes

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self.changes[epoch])


def fit_gan(*given, epochs=1, **options):
    gan = compiled(small_gan(**options), steps_per_execution=1)
    return gan, gan.fit(gan_images(20), batch_size=10, epochs=epochs, verbose=0, callbacks=list(given)).history


def test_balance_logs_the_critics_lead():
    _, logs = fit_gan(callbacks.CriticBalance(), epochs=2)
    np.testing.assert_allclose(logs["critic_lead"], np.subtract(logs["critic_real"], logs["critic_fake"]), rtol=1e-6)


@pytest.mark.parametrize(
    ("leads", "message"),
    [((30, 40, 50), "sure of every sample for 3"), ((0, -1, 0), "not told data from samples for 3")],
)
def test_balance_warns_where_the_game_has_ended(leads, message):
    changes = [{"critic_real": float(lead), "critic_fake": 0.0} for lead in leads]
    with pytest.warns(UserWarning, match=message):
        fit_gan(Logged(changes), callbacks.CriticBalance(patience=3), epochs=3)
    changes[1] = {"critic_real": 5.0, "critic_fake": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit_gan(Logged(changes), callbacks.CriticBalance(patience=3), epochs=3)


def test_balance_waits_for_a_game_that_a_later_phase_has():
    balance = callbacks.CriticBalance()
    balance.set_model(fit_gan()[0])
    logs = {"pixels_loss": 1.0}
    balance.on_epoch_end(0, logs)
    assert logs == {"pixels_loss": 1.0}
    with pytest.raises(ValueError, match="Received"):
        balance.on_epoch_end(0, {"critic_real": 1.0})


def test_balance_wants_an_adversarial_model():
    model = small_vae()
    model.compile(optimizer="sgd", jit_compile=False)
    with pytest.raises(ValueError, match="adversarial model.*Received"):
        model.fit(images(4), verbose=0, callbacks=[callbacks.CriticBalance()])
    for bad in ({"patience": 0}, {"largest": -1.0}):
        with pytest.raises(ValueError, match="Received"):
            callbacks.CriticBalance(**bad)


def test_guard_names_the_update_and_the_term():
    """Weights of 1e25 overflow in the squared gradients of R1 and not in the scores."""
    gan = compiled(small_gan(penalty=objectives.R1(10.0)), steps_per_execution=1)
    kernel = gan.critic.get_layer("score").kernel
    kernel.assign(kernel * 1e25)
    guard = callbacks.NanGuard()
    with pytest.warns(UserWarning, match="stopped at step 1: critic_penalty is not finite"):
        logs = gan.fit(gan_images(40), batch_size=10, epochs=3, verbose=0, callbacks=[guard]).history
    assert guard.found == "critic_penalty" and len(logs["critic_loss"]) == 1


def test_guard_names_the_generator():
    gan = small_gan()
    loss = gan.generator_loss
    gan.generator_loss = lambda batch, draw: loss(batch, draw) * float("nan")
    compiled(gan, steps_per_execution=1)
    guard = callbacks.NanGuard()
    with pytest.warns(UserWarning, match="generator_loss is not finite"):
        gan.fit(gan_images(20), batch_size=10, verbose=0, callbacks=[guard])
    _, logs = fit_gan(guard, epochs=2)
    assert guard.found is None and len(logs["critic_loss"]) == 2


@pytest.mark.parametrize("options", [{"steps_per_execution": 4}, {"steps_per_execution": 4, "jit_compile": True}])
def test_guard_names_the_first_of_several_steps_in_one_call(options):
    """The generator breaks in step 3 and step 4 breaks everything: the call's logs are not finite throughout."""
    gan = small_gan(critic_steps=2)
    loss = gan.generator_loss

    def breaking(batch, draw):
        return loss(batch, draw) * tf.where(gan.state.step.value == 2, float("nan"), 1.0)

    gan.generator_loss = breaking
    compiled(gan, **options)
    guard = callbacks.NanGuard()
    with pytest.warns(UserWarning, match="stopped at step 3: generator_loss is not finite"):
        gan.fit(gan_images(40), batch_size=5, verbose=0, callbacks=[guard])


def test_guard_names_the_term_of_the_first_inner_update():
    """After the penalty has broken the critic, the next inner update's scores are not finite either."""
    gan = compiled(small_gan(penalty=objectives.R1(10.0), critic_steps=3))
    kernel = gan.critic.get_layer("score").kernel
    kernel.assign(kernel * 1e25)
    guard = callbacks.NanGuard()
    with pytest.warns(UserWarning, match="stopped at step 1: critic_penalty is not finite"):
        gan.fit(gan_images(60), batch_size=12, verbose=0, callbacks=[guard])


def test_guard_of_a_stock_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="stopped at batch 1 of the epoch: loss is not finite"):
        model.fit(np.full((4, 2), 1e30), np.zeros(4), verbose=0, callbacks=[callbacks.NanGuard()])


@pytest.mark.parametrize(("activation", "given"), [("tanh", None), ("sigmoid", None), (None, (-1.0, 3.0))])
def test_pictures_show_the_range_of_the_data(activation, given, tmp_path):
    """The darkest and the brightest that a generator can make are black and white, the middle is grey."""
    low, high = given or {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}[activation]
    generator = networks.mlp_generator(1, (1, 3, 1), hidden=(), output_activation=activation)
    values = np.array([low, (low + high) / 2, high]) if given else np.array([-99.0, 0.0, 99.0])
    generator.set_weights([np.zeros((1, 3)), values])
    gan = compiled(models.GAN(generator, networks.mlp_critic((1, 3, 1), hidden=())))
    grid = callbacks.SampleGrid(tmp_path, num_samples=1, columns=1, value_range=given)
    compiled(gan, 0.0).fit(np.zeros((4, 1, 3, 1), "float32"), verbose=0, callbacks=[grid])
    picture = keras.utils.load_img(tmp_path / "samples_epoch_0001.png", color_mode="grayscale")
    pixels = np.asarray(picture)
    side = len(pixels) // 3
    np.testing.assert_allclose(pixels[side + side // 2, side + side // 2 :: side][:3], [0, 128, 255], atol=1)
    for bad in ((1.0, 1.0), "ab", 3, (0.0, np.nan)):
        with pytest.raises(ValueError, match="value_range.*Received"):
            callbacks.SampleGrid(tmp_path, value_range=bad)


@pytest.mark.parametrize("bad", [{"columns": 1}, {"num_paths": 0}, {"num_paths": 3, "condition": [1, 2]}])
def test_interpolation_refuses(bad):
    with pytest.raises(ValueError, match="`(columns|num_paths|condition)` should .*Received"):
        callbacks.LatentInterpolation("unused", **bad)


def test_interpolation_keeps_the_ends_and_the_length():
    paths = callbacks.LatentInterpolation("unused", num_paths=3, columns=5, seed=2).latents(latent_size=64)
    assert paths.shape == (3, 5, 64) and paths.dtype == np.float32
    ends = np.random.default_rng(2).standard_normal((2, 3, 1, 64))
    np.testing.assert_allclose(paths[:, [0, -1]], ends.transpose(1, 0, 2, 3)[:, :, 0], atol=1e-4)
    norms = np.linalg.norm(paths, axis=-1)
    assert (norms > 0.9 * np.minimum(norms[:, :1], norms[:, -1:])).all()  # a straight line would pass near 0.7
    steps = np.linalg.norm(np.diff(paths / norms[..., None], axis=1), axis=-1)
    assert (steps.max(axis=1) / steps.min(axis=1)).max() < 1.35


def test_interpolation_of_one_latent_stays_between_its_ends():
    paths = callbacks.LatentInterpolation("unused", num_paths=8, columns=7).latents(latent_size=1)[..., 0]
    low, high = np.sort(paths[:, [0, -1]], axis=1).T
    assert ((paths >= low[:, None] - 1e-6) & (paths <= high[:, None] + 1e-6)).all()


def test_interpolation_draws_a_row_a_path(tmp_path):
    fit_gan(callbacks.LatentInterpolation(tmp_path / "gan", num_paths=3, columns=4), epochs=3)
    assert sorted(path.name for path in (tmp_path / "gan").glob("[!.]*")) == [
        f"interpolation_epoch_{epoch:04d}.png" for epoch in (1, 2, 3)
    ]
    vae = small_vae()
    vae.compile(optimizer="sgd", jit_compile=False)
    vae.fit(images(8), verbose=0, callbacks=[callbacks.LatentInterpolation(tmp_path / "vae", num_paths=2)])
    assert len(list((tmp_path / "vae").glob("[!.]*"))) == 1


def test_samples_in_the_plane_are_drawn_as_points(tmp_path):
    generator = networks.mlp_generator(2, (2,), hidden=(), output_activation=None)
    gan = compiled(models.GAN(generator, networks.mlp_critic((2,), hidden=())))
    gan.fit(np.zeros((4, 2), "float32"), verbose=0, callbacks=[callbacks.SampleGrid(tmp_path)])
    assert (tmp_path / "samples_epoch_0001.png").stat().st_size > 1000


def test_images_and_points_become_pictures(tmp_path):
    x = np.random.default_rng(0).random((3, 4, 5, 1), dtype="float32")
    callbacks.save_image_grid(tmp_path / "new" / "grid.png", x, columns=2, min_width=1)
    callbacks.save_samples(tmp_path / "samples.png", x, columns=2)
    callbacks.save_samples(tmp_path / "points.png", x[:, :2, 0, 0])
    sheet = np.round(callbacks.image_grid(x, columns=2) * 255)
    read = {path.name: keras.utils.img_to_array(keras.utils.load_img(path)) for path in tmp_path.rglob("*.png")}
    np.testing.assert_array_equal(read["grid.png"], np.broadcast_to(sheet, (*sheet.shape[:2], 3)))
    scale = -(-512 // sheet.shape[1])
    np.testing.assert_array_equal(read["samples.png"][::scale, ::scale], read["grid.png"])
    assert read["points.png"].std() > 0
