"""What the base promises of training: metrics, tails, stacks, traces, precision, optimizers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import data, models, networks
from tests.models.builders import SHAPE, images, largest_difference, small_classifier, small_vae

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def trained(model, rows=70, epochs=2, **options):
    options = {"optimizer": keras.optimizers.SGD(0.05), "jit_compile": False, **options}
    model.compile(**options)
    model.fit(images(rows), batch_size=16, epochs=epochs, verbose=0)
    return model


@pytest.mark.parametrize("options", [{"steps_per_execution": 3}, {"jit_compile": True}, {"run_eagerly": True}, {}])
def test_compilation_and_stacking_give_the_same_weights(options):
    reference = trained(small_vae(), steps_per_execution=1)
    assert largest_difference(reference, trained(small_vae(), **options)) < 1e-6
    assert int(reference.state.step.numpy()) == 10  # 4 full batches and a tail, twice


def test_stacked_and_single_xla_steps_agree_to_the_bit():
    one, stacked = (
        trained(small_vae(dropout=0.3), rows=64, jit_compile=True, steps_per_execution=k, optimizer="adam")
        for k in (1, 4)
    )
    assert largest_difference(one, stacked) == 0


def test_epoch_metrics_are_means_over_samples():
    x = images(70)
    vae = small_vae()
    vae.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=False)
    logs = vae.fit(x, batch_size=16, verbose=0).history
    rates = [float(vae.posterior_of(x[i : i + 1]).kl_divergence(vae.prior())[0]) for i in range(70)]
    assert logs["rate"][0] == pytest.approx(np.mean(rates), rel=1e-5)  # the tail of 6 weighs 6


def test_evaluation_is_the_same_at_every_call_and_batch_size_of_one_works():
    vae = trained(small_vae())
    x = images(9, seed=2)
    first, second = (vae.evaluate(x, batch_size=4, verbose=0) for _ in range(2))
    assert first == second
    assert np.isfinite(vae.evaluate(x[:1], batch_size=1, verbose=0)).all()


def test_no_retracing_after_the_first_epoch(monkeypatch):
    traces = []
    vae = small_vae()
    loss_terms = vae.loss_terms
    monkeypatch.setattr(vae, "loss_terms", lambda *given: (traces.append(1), loss_terms(*given))[1])
    vae.compile(optimizer="adam", jit_compile=False)
    vae.fit(images(70), batch_size=16, epochs=1, validation_data=(images(10),), verbose=0)
    first = len(traces)
    assert first <= 3  # single steps, stacks, evaluation
    vae.fit(images(70), batch_size=16, epochs=3, validation_data=(images(10),), verbose=0)
    vae.fit(images(39), batch_size=13, epochs=1, verbose=0)
    assert len(traces) == first


def test_data_sets_of_the_users_own_are_taken_as_they_come():
    x = images(20)
    vae = small_vae()
    vae.compile(optimizer="adam", jit_compile=False)
    for dataset in (
        tf.data.Dataset.from_tensor_slices(x).batch(8),
        tf.data.Dataset.from_tensor_slices(x).batch(8).map(lambda rows: (rows,)),
        data.pipeline(x, batch_size=8, binarize="stochastic"),
    ):
        vae.fit(dataset, epochs=2, verbose=0)
        assert np.isfinite(vae.evaluate(dataset, verbose=0)).all()
    vae.fit(tf.data.Dataset.from_tensors(x).repeat(), steps_per_epoch=5, epochs=2, verbose=0)
    assert int(vae.state.step.numpy()) == 6 * 3 + 10
    vae.train_on_batch(x)
    assert int(vae.state.step.numpy()) == 6 * 3 + 11
    assert np.isfinite(vae.test_on_batch(x)).all()


def test_validation_split_and_keras_callbacks():
    vae = small_vae()
    vae.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=False)
    drop = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=0, min_delta=1e9, factor=0.5)
    history = vae.fit(images(40), validation_split=0.25, epochs=3, verbose=0, callbacks=[drop]).history
    assert float(vae.updates[0].optimizer.learning_rate) == pytest.approx(0.1 / 4)
    assert history["learning_rate"] == pytest.approx([0.1, 0.1, 0.05])
    assert "val_elbo" in history


def test_keras_ema_callback_acts_on_the_optimizer():
    vae = small_vae()
    vae.compile(optimizer=keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9), jit_compile=False)
    before = vae.get_weights()
    vae.fit(images(16), batch_size=16, verbose=0, callbacks=[keras.callbacks.SwapEMAWeights()])
    moved = max(np.abs(a - b).max() for a, b in zip(before, vae.get_weights(), strict=True))
    plain = small_vae()
    plain.compile(optimizer=keras.optimizers.SGD(0.5), jit_compile=False)
    plain.fit(images(16), batch_size=16, verbose=0)
    full = max(np.abs(a - b).max() for a, b in zip(before, plain.get_weights(), strict=True))
    assert moved == pytest.approx(full, rel=1e-3) or moved == pytest.approx(0.1 * full, rel=1e-3)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.grid("mixed_float16")
def test_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    vae = small_vae(likelihood="bernoulli")
    keras.config.set_dtype_policy("float32")
    reference = trained(small_vae(), epochs=3)
    trained(vae, epochs=3)
    scaled = isinstance(vae.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    x = images(70)
    losses = [m.evaluate(x, verbose=0, return_dict=True)["loss"] for m in (vae, reference)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_weight_regularization_is_part_of_the_objective():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_regularizer="l2", use_bias=False)])
    start = network.get_weights()[0]
    model = models.Supervised(network)
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse", jit_compile=False)
    model.fit(np.zeros((4, 3)), np.zeros((4, 1)), batch_size=4, verbose=0)
    np.testing.assert_allclose(network.get_weights()[0], start * (1 - 2 * 0.01), rtol=1e-5)


def test_supervised_equals_stock_keras():
    x, y = images(60), np.random.default_rng(0).integers(0, 3, 60)
    weights = np.random.default_rng(1).random(60).astype("float32")
    model = small_classifier()
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=CROSS_ENTROPY, metrics=["accuracy"], jit_compile=False)
    stock = keras.models.clone_model(model.network)
    stock.set_weights(model.network.get_weights())
    stock.compile(optimizer=keras.optimizers.SGD(0.1), loss=CROSS_ENTROPY, metrics=["accuracy"])
    options = {"batch_size": 16, "epochs": 3, "sample_weight": weights, "shuffle": False, "verbose": 0}
    ours, theirs = model.fit(x, y, **options).history, stock.fit(x, y, **options).history
    for a, b in zip(model.network.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), stock.predict(x, verbose=0), atol=1e-6)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), stock.evaluate(x, y, verbose=0), rtol=1e-5)


def test_supervised_takes_several_outputs_and_class_weights():
    inputs = keras.Input((4,))
    network = keras.Model(inputs, {"a": keras.layers.Dense(2)(inputs), "b": keras.layers.Dense(1)(inputs)})
    model = models.Supervised(network, seed=0)
    model.compile(optimizer="sgd", loss={"a": CROSS_ENTROPY, "b": "mse"}, loss_weights={"a": 1.0, "b": 0.5})
    x = np.ones((6, 4), "float32")
    y = {"a": np.zeros(6, int), "b": np.ones((6, 1), "float32")}
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    classifier = small_classifier()
    classifier.compile(optimizer="sgd", loss=CROSS_ENTROPY, jit_compile=False)
    labels = np.array([0, 1, 2, 1])
    classifier.fit(images(4), labels, class_weight={0: 0.0, 1: 0.0, 2: 0.0}, verbose=0)
    other = small_classifier()
    assert largest_difference(classifier, other) == 0  # nothing weighs anything: nothing moved


def bad_calls():
    def built():
        return networks.mlp_encoder(SHAPE, 2, hidden=(4,))

    classifier = small_classifier()
    classifier.compile(optimizer="sgd", loss=CROSS_ENTROPY)
    return {
        "no loss": lambda: models.Supervised(built()).compile(optimizer="sgd"),
        "too many losses": lambda: models.Supervised(built()).compile(optimizer="sgd", loss=["mse", "mse"]),
        "no targets": lambda: classifier.fit(images(4), verbose=0),
        "lengths": lambda: classifier.fit(images(4), np.zeros(3, int), verbose=0),
        "nan": lambda: classifier.fit(images(4) * np.nan, np.zeros(4, int), verbose=0),
        "empty": lambda: classifier.evaluate(images(4)[:0], np.zeros(0, int), verbose=0),
        "unknown optimizer": lambda: small_vae().compile(optimizer="adamm"),
        "not compiled": lambda: small_vae().fit(images(4), verbose=0),
        "negative labels": lambda: classifier.fit(images(4), np.array([0, 1, 2, -1]), verbose=0),
        "labels too large": lambda: classifier.evaluate(images(4), np.array([0, 1, 2, 3]), verbose=0),
        "empty targets": lambda: classifier.fit(images(4), [], verbose=0),
        "split": lambda: classifier.fit(images(4), np.zeros(4, int), validation_split=1.5, verbose=0),
    }


@pytest.mark.parametrize("case", list(bad_calls()))
def test_bad_input_is_refused(case):
    with pytest.raises((ValueError, TypeError)):
        bad_calls()[case]()
