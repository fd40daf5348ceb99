"""What reads from disk on replicas, as one of two workers, or to measure memory. See `jobs`."""

import os
import resource

import keras
import numpy as np

import keras_dl
from keras_dl.data.disk import blocks
from tests.runtime import jobs

ROWS, BATCH, EPOCHS = 133, 32, 2  # the last batch has 5 rows


class Reads:
    """Counts the rows that are read off files."""

    def __init__(self):
        self.rows = []
        self._read = blocks.Block.read_stored

    def __enter__(self):
        def read(block, rows):
            self.rows += rows.tolist()
            return self._read(block, rows)

        blocks.Block.read_stored = read
        return self

    def __exit__(self, *error):
        blocks.Block.read_stored = self._read


def train(strategy, path):
    """Trains on `x` in a file; returns weights, history and the rows that were read in `fit`."""
    with strategy.scope():
        model = jobs.small_vae(jit_compile=False, optimizer=keras.optimizers.SGD(1e-3))
    x = keras_dl.data.open(path).x
    with Reads() as reads:
        options = {"validation_data": (x.take(slice(0, 37)),), "batch_size": BATCH, "epochs": EPOCHS}
        history = model.fit(x.take(slice(37, 37 + ROWS)), verbose=0, **options).history
    return {"weights": model.get_weights(), "history": history, "rows": reads.rows}


def on_one_and_two_replicas(path):
    """Returns what `train` makes on one device and on two."""
    mirrored = keras_dl.runtime.strategy("mirrored", devices=2)
    return train(keras_dl.runtime.strategy("none"), path), train(mirrored, path)


def on_two_workers(index, ports, path):
    """Returns what `train` makes as one of two workers."""
    os.environ["TF_CONFIG"] = jobs.tf_config(index, ports)
    return train(keras_dl.runtime.strategy("auto"), path)


def peak_of_training(path):
    """Trains an epoch on a `.npy` file of images; returns the peak of the process' memory in MB."""
    x = keras_dl.data.open(path).x
    keras.utils.set_random_seed(0)
    shape = x.shape[1:]
    encoder = keras_dl.networks.mlp_encoder(shape, 2, hidden=(8,))
    decoder = keras_dl.networks.mlp_decoder(2, shape, hidden=(8,))
    model = keras_dl.models.VAE(encoder, decoder, seed=0)
    model.compile("adam", jit_compile=False, steps_per_execution=1)  # the same program for a long run and a short one
    model.fit(x, batch_size=500, epochs=1, verbose=0)
    assert model.state.step.numpy() == -(-len(x) // 500)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_images(path, count):
    """Writes made-up images of 64x64 pixels, one of a few thousand again and again."""
    some = np.random.default_rng(0).integers(0, 256, (2_000, 64, 64, 1), "uint8")
    array = np.lib.format.open_memmap(path, "w+", "uint8", (count, 64, 64, 1))
    for start in range(0, count, len(some)):
        array[start : start + len(some)] = some[: count - start]
    array.flush()
