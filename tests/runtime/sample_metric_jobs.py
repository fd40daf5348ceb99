"""A training watched by metrics of samples, in processes of its own."""

import os

import keras

import keras_dl
from tests.runtime import jobs, replica_jobs


def train(strategy):
    """Trains a GAN with metrics of its samples; returns what they logged, and when `StopOnKID` stopped."""
    with strategy.scope():
        model, _ = replica_jobs.wgan_gp()
    x, _ = jobs.digits(120)
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8, 8, 1))
    features = keras_dl.metrics.Features(keras.Model(inputs, keras.layers.Flatten()(inputs)), "pixels")
    metrics = [keras_dl.metrics.KID(features), keras_dl.metrics.SlicedWasserstein()]
    watched = keras_dl.callbacks.SampleMetrics(metrics, x[80:], num_samples=50)
    stop = keras_dl.callbacks.StopOnKID(restore_best_weights=True)
    model.fit(x[:80], batch_size=16, epochs=3, verbose=0, callbacks=[watched, stop], validation_data=(x[:10],))
    logs = {name: values for name, values in model.history.history.items() if "kid" in name or "sliced" in name}
    model.evaluate(x[:10], verbose=0, callbacks=[watched])
    return logs, watched.logs, stop.best_epoch


def on_one_and_two_replicas():
    """Returns what `train` gives on one device and on two."""
    mirrored = keras_dl.runtime.strategy("mirrored", devices=2)
    return train(keras_dl.runtime.strategy("none")), train(mirrored)


def on_two_workers(index, ports):
    """Returns what `train` gives as one of two workers."""
    os.environ["TF_CONFIG"] = jobs.tf_config(index, ports)
    return train(keras_dl.runtime.strategy("auto"))
