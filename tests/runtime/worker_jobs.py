"""What one of two workers does while the other is killed, and how both go on."""

import os
import signal

import keras

import keras_dl
from tests.runtime import jobs

EPOCHS, DEATH = 3, 13  # 8 steps an epoch


class KillWorker(keras.callbacks.Callback):
    """Kills worker 1 after some steps."""

    runs_last = True

    def on_train_batch_end(self, batch, logs=None):
        if not keras_dl.runtime.is_chief() and self.model.state.step.numpy() == DEATH:
            os.kill(os.getpid(), signal.SIGKILL)


def _build(strategy):
    with strategy.scope():
        return jobs.small_vae(jit_compile=False)


def _fit(model, *callbacks):
    return model.fit(jobs.digits(250)[0], batch_size=32, epochs=EPOCHS, callbacks=list(callbacks), verbose=0).history


def lose_a_worker(index, ports, folder, lopsided):
    """Trains once in peace, then until worker 1 is killed; returns a dict of what worker 0 saw.

    Args:
        index: Number of this worker.
        ports: Ports of the workers.
        folder: Folder of checkpoints, the same for both.
        lopsided: Folder of checkpoints of which this worker alone has one.
    """
    os.environ["TF_CONFIG"] = jobs.tf_config(index, ports)
    strategy = keras_dl.runtime.strategy("multi_worker")
    model = _build(strategy)
    history = _fit(model, keras_dl.runtime.Checkpoint(lopsided if index == 0 else f"{lopsided}_of_another"))
    seen = {"weights": model.get_weights(), "history": history}
    seen["written by the other"] = os.path.exists(f"{lopsided}_of_another")
    model = _build(strategy)
    try:
        keras_dl.runtime.restore(model, lopsided if index == 0 else f"{lopsided}_of_another")
    except ValueError as error:
        seen["disagreement"] = str(error)
    try:
        _fit(_build(strategy), keras_dl.runtime.Checkpoint(folder, every=5), KillWorker())
    except RuntimeError as error:
        seen["loss"] = str(error)
    return seen


def go_on(index, ports, folder):
    """Resumes from the checkpoints; returns weights and history."""
    os.environ["TF_CONFIG"] = jobs.tf_config(index, ports)
    model = _build(keras_dl.runtime.strategy("multi_worker"))
    history = _fit(model, keras_dl.runtime.Checkpoint(folder, every=5, resume=True))
    return {"weights": model.get_weights(), "history": history}
