"""Longer runs: learning rates that have run out, and schedules stretched over more epochs."""

import keras

from keras_dl import runtime
from keras_dl.checks import refusal


def stretched(model, folder):
    """Brings a newly built model to the state of a run.

    The model's schedules are those of a run of all its epochs, at the step that was reached: a cosine over 6 epochs,
    extended to 12, goes on from the middle of a cosine over 12. Optimizers keep their moments, and all else goes on as
    in a plain resume.

    Args:
        model: compiled model, built for all epochs.
        folder: `RunFolder`.
    """
    if runtime.restore(model, folder.checkpoints) is None and folder.model_file.is_file():
        model.load_weights(folder.model_file)
    return model


def check_rates(model, path, epochs, batches):
    """Refuses a run whose last epoch would train nothing, as a learning rate has fallen to 0 before.

    Args:
        model: compiled model in the state from which the run goes on.
        path: the run's folder, for the message.
        epochs: number of epochs that are wanted.
        batches: batches per epoch; not above 0 if not known.

    Raises:
        ValueError: if the schedule of an optimizer is 0 when the last epoch begins.
    """
    steps, done = int(model.state.step.numpy()), model.state.epoch
    if not steps or done >= epochs:
        return
    batches = batches if batches > 0 else steps / max(done, 1)
    moving = [update.optimizer for update in model.updates if update.optimizer is not None]  # not EM's
    for optimizer in {id(optimizer): optimizer for optimizer in moving}.values():
        schedule, iterations = _schedule(optimizer), int(optimizer.iterations.numpy())
        begin = max(iterations, round(iterations / steps * (epochs - 1) * batches))
        if schedule is not None and float(schedule(begin)) == 0.0:
            text = f"the learning rate of the run in {path} would be 0 in epoch {epochs}, and nothing be trained"
            raise refusal(f"{text}: --extend stretches its schedules over all epochs", f"--epochs {epochs}")


def _schedule(optimizer):
    """The schedule of an optimizer's learning rate, or None for a constant."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    rate = optimizer.get_config()["learning_rate"]
    return keras.optimizers.schedules.deserialize(rate) if isinstance(rate, dict) else None
