"""Every recipe, small, trained in processes of its own."""

import os
import pathlib
import time

import keras
import numpy as np

import keras_dl
from apps import catalogue
from keras_dl.runs import space

#: What makes a recipe small, by the names of hyperparameters; each recipe takes those that it has.
SMALL = {"hidden_units": 16, "filters": 4, "latent_size": 4, "batch_size": 64, "critic_steps": 2, "num_samples": 2}
SMALL |= {"groups": 1, "scales": 1}
#: The same for recipes of scans, whose samples are patches.
SMALL_SCANS = {"filters": 4, "levels": 2, "patch_size": 16, "batch_size": 3, "steps": 5}
#: Recipes whose losses compare the rows of a batch, which on two replicas are other rows.
COUPLED = ("siamese",)
STEPS, EPOCHS, SEED = 5, 2, 1
PLAIN = {"precision": "float32", "jit_compile": False, "steps_per_execution": 1}
PAIRED = {"precision": "mixed_bfloat16", "jit_compile": True, "steps_per_execution": 4}


def small(recipe, **compilation):
    """Builds a recipe with small networks.

    Returns:
        The compiled model, its batch size and the arrays that `fit` takes, for `STEPS` steps an epoch, the last uneven;
        of scans a dataset of as many batches, and no batch size.
    """
    module = catalogue.module(recipe)
    data, masks = module.TASK.load(module.DATASET), module.TASK.condition in ("masks", "images")
    known = {name for name, *_ in space.table(module, data.spec)}
    given = SMALL_SCANS if masks else SMALL
    values = {name: value for name, value in given.items() if name in known}
    model, options, _ = space.build(module, data.spec, values, seed=SEED)
    model.compile_from_config(model.get_compile_config() | compilation)
    if masks:
        return model, None, data.pipelines(options, seed=SEED)[:1]
    rows = (STEPS - 1) * options["batch_size"] + options["batch_size"] // 2 + 2
    return model, options["batch_size"], (data.x[:rows], data.y[:rows]) if data.conditional else (data.x[:rows],)


def losses_of_ways(recipe):
    """The losses of the last epoch, in float32 and in the way that pairs precision, XLA, stacks and replicas."""
    found = {}
    several = 1 if recipe in COUPLED else 2
    for replicas, way in ((several, PAIRED), (1, PLAIN)):
        options = dict(way)
        strategy = keras_dl.runtime.strategy("mirrored" if replicas > 1 else "none", devices=replicas)
        keras.config.set_dtype_policy(options.pop("precision"))
        with strategy.scope():
            model, batch_size, data = small(recipe, **options)
        history = model.fit(*data, batch_size=batch_size, epochs=EPOCHS, verbose=0).history
        assert all(np.isfinite(weights).all() for weights in model.get_weights())
        assert int(model.state.step.numpy()) == STEPS * EPOCHS
        found[way["precision"]] = {name: values[-1] for name, values in history.items() if name.endswith("loss")}
    return found


def resident_memory(folder, minutes):
    """Bytes that the process holds after each round of training, evaluating, sampling and saving."""
    end, found = time.monotonic() + 60 * minutes, []
    models = [small(recipe, steps_per_execution=4) for recipe in ("vae", "wgan_gp")]
    while time.monotonic() < end:
        for model, batch_size, data in models:
            checkpoint = keras_dl.runtime.Checkpoint(f"{folder}/{model.name}", every=20, keep=2)
            model.fit(*data, batch_size=batch_size, epochs=20, callbacks=[checkpoint], verbose=0)
            model.evaluate(*data, batch_size=batch_size, verbose=0)
            model.sample(64)
        found.append(_resident())
    return found


def _resident():
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
