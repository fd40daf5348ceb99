"""The recipes of images level by level: what they build, padded data, small runs through the programs."""

import keras
import numpy as np
import pytest

import keras_dl
from apps import catalogue, train
from keras_dl.runs import space
from keras_dl.tasks import Arrays
from keras_dl.tasks.padding import to_powers_of_two

DIGITS = keras_dl.data.DataSpec((8, 8, 1), 10, 1437, 17)
PADDED = keras_dl.data.DataSpec((32, 32, 1), 10, 60_000, 256)
SMALL = {"filters": "4", "hidden_units": "16"}


def arrays(shape):
    x = np.random.default_rng(0).random((4, *shape), dtype=np.float32)
    return Arrays("some", x, None, x[:2], None)


@pytest.mark.parametrize(("spec", "sides"), [(DIGITS, [4, 8]), (PADDED, [8, 16, 32])])
def test_a_pyramid_is_built(spec, sides):
    model, options, _ = space.build(catalogue.module("lapgan"), spec, {**SMALL, "generated_coarse": "true"}, seed=0)
    assert [shape[0] for shape in model.shapes] == sides
    assert model.generated_coarse and model.compiled and options["batch_size"] == 64


@pytest.mark.parametrize(("spec", "names"), [(DIGITS, ["4x4", "8x8"]), (PADDED, ["4x4", "8x8", "16x16", "32x32"])])
def test_a_growing_model_is_built(spec, names):
    values = {"filters": "2", "most_filters": "8", "fade_images": "700"}
    model, _, _ = space.build(catalogue.module("progressive_gan"), spec, values, seed=0)
    assert [phase.name for phase in model.phases.phases if "fade" not in phase.name] == names
    assert model.phases.starts[:3] == [0, 30_000, 30_700] and model.compiled


def test_images_that_have_no_half_are_refused():
    with pytest.raises(ValueError, match=r"sides that are even and at least 8\. Received: \(6, 7, 1\)"):
        space.build(catalogue.module("lapgan"), DIGITS._replace(shape=(6, 7, 1)), SMALL, seed=0)


def test_named_images_are_padded():
    data = arrays((28, 24, 1))
    padded = to_powers_of_two(data)
    assert padded.spec.shape == (32, 32, 1)
    np.testing.assert_array_equal(padded.x[:, 2:30, 4:28], data.x)
    assert padded.x.sum() == pytest.approx(data.x.sum(), rel=1e-5) and padded.x_test.shape == (2, 32, 32, 1)
    same = arrays((8, 16, 3))
    assert to_powers_of_two(same) is same
    with pytest.raises(ValueError, match="should be given images"):
        to_powers_of_two(arrays((5,)))


@pytest.mark.full
def test_a_pyramid_through_the_programs(run, tmp_path):
    out = tmp_path / "r"
    settings = [f"--set={name}={value}" for name, value in {**SMALL, "batch_size": 512}.items()]
    assert run(train.main, "lapgan", "--out", out, "--epochs", 1, *settings) == 0
    for name in ("pyramid", "levels"):
        assert (out / "pictures" / f"{name}.png").stat().st_size > 1000
    model = keras.saving.load_model(out / "model.keras")
    assert model.sample(2, seed=0).shape == (2, 8, 8, 1)


@pytest.mark.full
def test_growth_through_the_programs(run, tmp_path):
    out = tmp_path / "r"
    values = {"filters": 2, "most_filters": 8, "batch_size": 512, "stable_images": 1000, "fade_images": 400}
    settings = [f"--set={name}={value}" for name, value in values.items()]
    assert run(train.main, "progressive_gan", "--out", out, "--epochs", 1, *settings) == 0
    assert (out / "pictures" / "growth.png").stat().st_size > 1000
    assert keras.saving.load_model(out / "model.keras").level == 1.0
