import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, runtime
from tests.models.builders import SHAPE, images, small_classifier, small_vae
from tests.runtime.saved_models import build_c_client, c_compiler, run_in_c, run_in_tensorflow


@pytest.fixture(scope="module")
def vae_folder(tmp_path_factory):
    vae = small_vae()
    return vae, runtime.export(vae, tmp_path_factory.mktemp("vae"), version=2)


@pytest.fixture(scope="module")
def conditional_folder(tmp_path_factory):
    vae = small_vae(num_classes=3)
    return vae, runtime.export(vae, tmp_path_factory.mktemp("cvae"))


def test_layout(vae_folder):
    _, folder = vae_folder
    assert os.path.basename(folder) == "2"
    assert os.listdir(os.path.dirname(folder)) == ["2"]  # nothing temporary is left
    assert os.path.isfile(os.path.join(folder, "saved_model.pb"))


def test_a_process_with_tensorflow_alone_gives_the_models_numbers(vae_folder, tmp_path):
    vae, folder = vae_folder
    x, latents = images(5), np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    calls = {
        "default": ("serving_default", {"x": x}),
        "one": ("reconstruct", {"x": x[:1]}),
        "encode": ("encode", {"x": x}),
        "decode": ("decode", {"latents": latents}),
        "log_prob": ("log_prob", {"x": x}),
        "seeded": ("sample", {"num_samples": 4, "seed": 7}),
        "fresh": ("sample", {"num_samples": 4, "seed": -1}),
        "again": ("sample", {"num_samples": 4, "seed": -1}),
    }
    found = run_in_tensorflow(folder, calls, tmp_path)
    expected = {
        "default/x": vae.reconstruct(x),
        "one/x": vae.reconstruct(x[:1]),
        "encode/latents": vae.encode(x),
        "encode/scale": vae.posterior_of(x).stddev(),
        "decode/x": vae.decode(latents),
        "log_prob/log_prob": vae.log_prob(x, num_samples=128),
        "seeded/x": vae.sample(4, seed=7),
    }
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, atol=1e-5, err_msg=key)
    assert (found["fresh/x"] != found["again/x"]).any()
    other = run_in_tensorflow(folder, {"fresh": calls["fresh"], "seeded": calls["seeded"]}, tmp_path)
    assert (found["fresh/x"] != other["fresh/x"]).any()  # in every process
    np.testing.assert_array_equal(found["seeded/x"], other["seeded/x"])


@pytest.mark.full
def test_conditional_signatures(conditional_folder, tmp_path):
    vae, folder = conditional_folder
    labels = np.array([2, 0], np.int32)
    calls = {
        "each": ("sample", {"num_samples": 2, "condition": labels, "seed": 3}),
        "one": ("sample", {"num_samples": 3, "condition": labels[:1], "seed": 3}),
        "reconstruct": ("reconstruct", {"x": images(2), "condition": labels}),
    }
    found = run_in_tensorflow(folder, calls, tmp_path)
    np.testing.assert_allclose(found["each/x"], vae.sample(2, labels, seed=3), atol=1e-5)
    np.testing.assert_allclose(found["one/x"], vae.sample(3, 2, seed=3), atol=1e-5)
    np.testing.assert_allclose(found["reconstruct/x"], vae.reconstruct(images(2), labels), atol=1e-5)


@pytest.mark.skipif(c_compiler() is None, reason="no C compiler on this machine")
@pytest.mark.full
def test_the_c_api_gives_the_models_numbers(vae_folder, conditional_folder, tmp_path):
    client = build_c_client(tmp_path)
    vae, folder = vae_folder
    x = images(4)
    found = run_in_c(client, folder, "reconstruct", {"x": x}, "x", tmp_path)
    np.testing.assert_allclose(found, vae.reconstruct(x), atol=1e-5)
    found = run_in_c(client, folder, "sample", {"num_samples": 6, "seed": 5}, "x", tmp_path)
    np.testing.assert_allclose(found, vae.sample(6, seed=5), atol=1e-5)
    fresh = [run_in_c(client, folder, "sample", {"num_samples": 6, "seed": -1}, "x", tmp_path) for _ in range(2)]
    assert (fresh[0] != fresh[1]).any()
    cvae, folder = conditional_folder
    given = {"num_samples": 2, "seed": 5, "condition": [1, 2]}
    np.testing.assert_allclose(
        run_in_c(client, folder, "sample", given, "x", tmp_path), cvae.sample(2, [1, 2], seed=5), atol=1e-5
    )


@pytest.mark.full
def test_supervised_and_keras_own_export(tmp_path):
    model = small_classifier()
    x = images(3)
    expected = model.predict(x, verbose=0)
    folder = runtime.export(model, tmp_path / "served")
    model.export(str(tmp_path / "plain"))
    for path in (folder, tmp_path / "plain"):
        found = run_in_tensorflow(path, {"a": ("predict", {"x": x}), "b": ("serving_default", {"x": x})}, tmp_path)
        np.testing.assert_allclose(found["a/predictions"], expected, atol=1e-5)
        np.testing.assert_allclose(found["b/predictions"], expected, atol=1e-5)


def test_an_existing_version_is_never_overwritten(vae_folder):
    vae, folder = vae_folder
    before = os.stat(os.path.join(folder, "saved_model.pb")).st_mtime_ns
    with pytest.raises(FileExistsError, match="(?s)never overwritten.*Received"):
        runtime.export(vae, os.path.dirname(folder), version=2)
    assert os.stat(os.path.join(folder, "saved_model.pb")).st_mtime_ns == before


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    vae = small_vae()
    monkeypatch.setattr(vae, "signatures", lambda: {"broken": 1 / 0})
    (tmp_path / "kept").mkdir()
    for folder in (tmp_path / "new" / "m", tmp_path / "kept"):
        with pytest.raises(ZeroDivisionError):
            runtime.export(vae, folder)
    assert os.listdir(tmp_path) == ["kept"] and os.listdir(tmp_path / "kept") == []


@pytest.mark.parametrize("version", [0, -1, "1", 1.5, True])
def test_bad_versions(version, tmp_path):
    with pytest.raises(ValueError, match="(?s)version.*Received"):
        runtime.export(small_vae(), tmp_path, version=version)


def test_what_has_no_signatures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="(?s)signatures.*Received"):
        runtime.export(networks.mlp_encoder(SHAPE, 2, hidden=(4,)), tmp_path)


@pytest.mark.full
def test_averaged_weights_are_what_is_exported(tmp_path):
    vae = small_vae(ema_momentum=0.5)
    vae.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=False)
    vae.fit(images(16), batch_size=16, verbose=0)
    folder = runtime.export(vae, tmp_path / "m")
    latents = np.zeros((1, 2), np.float32)
    found = run_in_tensorflow(folder, {"decode": ("decode", {"latents": latents})}, tmp_path)["decode/x"]
    np.testing.assert_allclose(found, vae.likelihood.mean(vae.ema_networks["decoder"](latents)), atol=1e-5)
    assert np.abs(found - vae.likelihood.mean(vae.decoder(latents))).max() > 1e-4


@pytest.mark.full
def test_vectors_as_conditions(tmp_path):
    given = {"condition_shape": (2,)}
    vae = models.ConditionalVAE(
        networks.mlp_encoder(SHAPE, 2, hidden=(4,), **given), networks.mlp_decoder(2, SHAPE, hidden=(4,), **given)
    )
    folder = runtime.export(vae, tmp_path / "m")
    condition = np.ones((3, 2), np.float32)
    calls = {"sample": ("sample", {"num_samples": 3, "condition": condition, "seed": 1})}
    np.testing.assert_allclose(
        run_in_tensorflow(folder, calls, tmp_path)["sample/x"], vae.sample(3, condition, seed=1), atol=1e-5
    )


def test_batches_of_no_rows(tmp_path):
    keras.utils.set_random_seed(0)
    shape = (6, 6, 1)
    encoder = networks.conv_encoder(shape, 2, filters=(4,), hidden=(), num_classes=3)
    decoder = networks.conv_decoder(2, shape, filters=(4,), hidden=(), num_classes=3)
    folder = runtime.export(models.ConditionalVAE(encoder, decoder), tmp_path / "conv")
    exported = tf.saved_model.load(folder).signatures
    for rows in (0, 1, 3):
        x, condition = tf.zeros((rows, *shape)), tf.zeros(rows, "int32")
        assert exported["reconstruct"](x=x, condition=condition)["x"].shape == (rows, *shape)
        assert exported["encode"](x=x, condition=condition)["latents"].shape == (rows, 2)
        assert exported["log_prob"](x=x, condition=condition)["log_prob"].shape == (rows,)
