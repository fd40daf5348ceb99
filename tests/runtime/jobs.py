"""What the tests of keras_dl.runtime run in processes of their own. Nothing here may start TensorFlow when imported."""

import ctypes
import json
import os
import random
import resource
import signal
import struct
import threading

import keras
import sklearn.datasets  # noqa: F401  (keras_dl.data.load would import it in every process)

import keras_dl
from tests.models.remembering import everything, remembering


def digits(rows):
    (x, y), _ = keras_dl.data.load("digits")
    return x[:rows], y[:rows]


def small_vae(precision="float32", seed=3, optimizer=None, **options):
    """A VAE of a few hundred weights for the 8x8 digits, compiled."""
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(seed)
    shape = (8, 8, 1)
    encoder = keras_dl.networks.mlp_encoder(shape, latent_size=2, hidden=(8,))
    decoder = keras_dl.networks.mlp_decoder(2, shape, hidden=(8,))
    model = keras_dl.models.VAE(encoder, decoder, seed=seed, ema_momentum=0.9)
    model.compile(optimizer or keras.optimizers.Adam(1e-2), **options)
    return model


class Death(keras.callbacks.Callback):
    """Kills the process (SIGKILL) at a moment that a seed decides.

    Args:
        seed: Integer.
        lifetime: It dies after at most so many steps; or in the midst of writing a checkpoint, after as many
            operations on its files; or after as many hundredths of a second.
    """

    def __init__(self, seed, lifetime=40):
        super().__init__()
        draw = random.Random(seed)
        self.moment = draw.choice(["step", "write", "time"]), draw.randrange(1, lifetime)
        self._steps = self._operations = 0
        print("dies at", *self.moment, flush=True)

    def on_train_begin(self, logs=None):
        kind, count = self.moment
        if kind == "write":
            for name in ("fsync", "replace", "open"):
                setattr(os, name, self._counting(getattr(os, name)))
        if kind == "time":
            threading.Timer(count / 100, self._die).start()

    def _counting(self, function):
        def counted(*args, **options):
            self._operations += 1
            if self._operations == self.moment[1]:
                self._die()
            return function(*args, **options)

        return counted

    def on_train_batch_end(self, batch, logs=None):
        self._steps += 1
        if self.moment == ("step", self._steps):
            self._die()

    @staticmethod
    def _die():
        os.kill(os.getpid(), signal.SIGKILL)


def train_until_killed(folder, epochs, seed=None):
    """Trains the small VAE for epochs of 8 steps, going on from the checkpoints in `folder`; may be killed.

    Returns:
        A dict of the weights, the averaged weights and the history.
    """
    model = small_vae(steps_per_execution=1, jit_compile=False)
    checkpoint = keras_dl.runtime.Checkpoint(folder, every=5, keep=2, resume=True)
    callbacks = [keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=5.0), checkpoint]
    if seed is not None:
        callbacks.append(Death(seed))
    history = model.fit(digits(250)[0], batch_size=32, epochs=epochs, callbacks=callbacks, verbose=0)
    averages = [w for network in model.ema_networks.values() for w in network.get_weights()]
    return {"weights": model.get_weights(), "averages": averages, "history": history.history}


def remember_until_killed(folder, epochs, seed=None):
    """The same of the model that remembers: kills fall into its fade, between lazy updates, and into its buffer."""
    sgd = keras.optimizers.SGD(0.01, momentum=0.9)
    model = remembering((8, 8, 1), sgd, fade_from=300, fade=700, steps_per_batch=2)
    callbacks = [keras_dl.runtime.Checkpoint(folder, every=5, keep=2, resume=True)]
    if seed is not None:
        callbacks.append(Death(seed))
    history = model.fit(digits(250)[0], batch_size=32, epochs=epochs, callbacks=callbacks, verbose=0)
    averages = [w for network in model.ema_networks.values() for w in network.get_weights()]
    return {"weights": everything(model), "averages": averages, "history": history.history}


def tf_config(index, ports):
    """TF_CONFIG of one of several workers on this machine."""
    workers = [f"localhost:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})


def _give_up_capabilities():
    """Makes the permissions of files hold for root, too (Linux only)."""
    header = struct.pack("=Ii", 0x20080522, 0)  # version 3, this thread
    if ctypes.CDLL(None, use_errno=True).capset(header, bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def write_checkpoint(folder, file_size=None, obey=False):
    """Restores the tests' classifier, takes a step, and returns the message with which the next checkpoint fails.

    Args:
        folder: Folder of checkpoints.
        file_size: The most bytes a file may have.
        obey: Whether the permissions of files hold for root, too.
    """
    from tests.runtime.test_checkpoint import classifier, fit

    model = classifier()
    keras_dl.runtime.restore(model, folder)
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    if obey and os.geteuid() == 0:
        _give_up_capabilities()
    try:
        fit(model, keras_dl.runtime.Checkpoint(folder, every=1), epochs=3)
    except OSError as error:
        return str(error)
    return "(no error)"


def replicas_of(name, devices):
    """How many replicas a strategy has."""
    return keras_dl.runtime.strategy(name, devices).num_replicas_in_sync


def refusals_of_unknown_ranks():
    """Returns what two replicas say of batches of unknown rank, by the method that was given them."""
    import tensorflow as tf

    with keras_dl.runtime.strategy("mirrored", devices=2).scope():
        model = small_vae()
    x, _ = digits(8)

    def batches():
        yield x

    shapeless = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec(None, tf.float32))
    calls = {
        "fit": lambda: model.fit(shapeless, verbose=0),
        "validation": lambda: model.fit(x, validation_data=shapeless, verbose=0),
        "evaluate": lambda: model.evaluate(shapeless, verbose=0),
        "predict": lambda: model.predict(shapeless, verbose=0),
    }
    texts = {}
    for name, call in calls.items():
        try:
            call()
        except ValueError as error:
            texts[name] = str(error)
    assert int(model.state.step.numpy()) == 0, "work had begun"
    shaped = shapeless.map(lambda images: tf.ensure_shape(images, (None, 8, 8, 1)))
    model.fit(shaped, verbose=0)
    texts["steps with shapes"] = int(model.state.step.numpy())
    return texts
