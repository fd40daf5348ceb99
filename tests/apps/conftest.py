"""Small trained runs that the tests of the programs share."""

import pytest

from apps import cli, train

SMALL_2D = ["filters=4", "steps=6", "batch_size=2", "levels=2", "patch_size=32"]
SMALL = ["network=conv", "filters=4", "hidden_units=16", "latent_size=2", "batch_size=256"]


def call(main, *arguments):
    """Runs a program in this process; returns its exit code."""
    try:
        cli.run(main, [str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code
    return 0


@pytest.fixture(scope="session")
def run():
    """Runs a program in this process; returns its exit code."""
    return call


@pytest.fixture(scope="session")
def small():
    """Options that make a run of the VAE recipes small."""
    return [f"--set={text}" for text in SMALL]


@pytest.fixture(scope="session")
def finished(tmp_path_factory, small):
    """The folder of a small VAE trained for five epochs."""
    folder = tmp_path_factory.mktemp("runs") / "vae"
    assert call(train.main, "vae", "--out", folder, "--epochs", 5, "--seed", 3, *small) == 0
    return folder


@pytest.fixture(scope="session")
def finished_conditional(tmp_path_factory, small):
    """The folder of a small conditional VAE."""
    folder = tmp_path_factory.mktemp("runs") / "cvae"
    assert call(train.main, "cvae", "--out", folder, "--epochs", 2, *small) == 0
    return folder


@pytest.fixture(scope="session")
def small_2d():
    """Options that make a run of the recipe `unet` small."""
    return [f"--set={text}" for text in SMALL_2D]


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory, small_2d):
    """The folder of a small U-Net of blobs, trained for two epochs."""
    folder = tmp_path_factory.mktemp("runs") / "unet"
    assert call(train.main, "unet", "--out", folder, "--epochs", 2, "--seed", 1, *small_2d) == 0
    return folder
