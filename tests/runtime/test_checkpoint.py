"""Checkpoints: what they hold, when they are taken, and what happens when the disk or the user errs."""

import errno
import os
import shutil
import stat
import subprocess

import keras
import numpy as np
import pytest

import keras_dl
from keras_dl.runtime import Checkpoint, checkpoint_files, latest, load_latest, restore
from tests.runtime import jobs

ROWS, BATCH = 50, 16  # 4 steps an epoch, the last batch smaller
COMPILED = {"run_eagerly": False, "jit_compile": False}


class Interruption(Exception):
    pass


class Interrupt(keras.callbacks.Callback):
    """Raises after so many steps of the run, as if it had been stopped there."""

    runs_last = True

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if self.model.state.step.numpy() == self.step:
            raise Interruption


class Counter(keras.callbacks.Callback):
    """A callback with a state of its own: counts epochs and keeps an array."""

    def on_train_begin(self, logs=None):
        self.epochs, self.trace = 0, np.zeros(3)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        self.trace[epoch % 3] += logs["loss"]

    def get_state(self):
        return {"epochs": self.epochs, "nested": [{"trace": self.trace}]}

    def set_state(self, state):
        self.epochs, self.trace = state["epochs"], state["nested"][0]["trace"]


def classifier(precision="float32", optimizer="adam", **options):
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Flatten(), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.3), keras.layers.Dense(10)]
    network = keras.Sequential([keras.Input((8, 8, 1)), *layers, keras.layers.Activation("linear", dtype="float32")])
    model = keras_dl.models.Supervised(network, seed=5, ema_momentum=0.9)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    options = {"steps_per_execution": 1, "run_eagerly": True, "metrics": ["accuracy"]} | options
    model.compile(optimizer, loss=loss, **options)
    return model


def fit(model, *callbacks, epochs=4, **options):
    x, y = jobs.digits(ROWS)
    return model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=list(callbacks), **options).history


def check_same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(one.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for name, network in one.ema_networks.items():
        for a, b in zip(network.get_weights(), other.ema_networks[name].get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def schedule():
    return keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(1e-2, 10, 0.9), clipnorm=1.0)


@pytest.mark.parametrize(
    ("build", "every", "stop"),
    [
        (classifier, 1, 10),
        (lambda: classifier(optimizer=schedule(), steps_per_execution=3, **COMPILED), 3, 8),
        (lambda: classifier("mixed_float16", keras.optimizers.SGD(1e-2, momentum=0.9)), 2, 7),
        (lambda: jobs.small_vae(steps_per_execution=1, **COMPILED), "epoch", 10),
    ],
    ids=["every step", "stacked, schedule", "float16", "vae, epochs"],
)
@pytest.mark.grid("vae, epochs", "float16")
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path, build, every, stop):
    def run(model, *callbacks, **options):
        if isinstance(model, keras_dl.models.VAE):
            x = jobs.digits(ROWS)[0]
            return model.fit(x, batch_size=BATCH, epochs=4, verbose=0, callbacks=list(callbacks), **options).history
        return fit(model, *callbacks, **options)

    straight = build()
    expected = run(straight)
    with pytest.raises(Interruption):
        run(build(), Checkpoint(tmp_path, every), Interrupt(stop))
    resumed = build()
    assert run(resumed, Checkpoint(tmp_path, every, resume=True)) == expected
    check_same(resumed, straight)


def test_callbacks_go_on_where_they_were(tmp_path):
    def callbacks():
        stopping = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=10.0, restore_best_weights=True)
        plateau = keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0, cooldown=1)
        return stopping, plateau, Counter()

    straight, expected = classifier(), callbacks()
    history = fit(straight, *expected, epochs=9)
    with pytest.raises(Interruption):
        fit(classifier(), Checkpoint(tmp_path, 2), *callbacks(), Interrupt(10), epochs=9)  # in the midst of epoch 3
    resumed, found = classifier(), callbacks()
    assert fit(resumed, Checkpoint(tmp_path, 2, resume=True), *found, epochs=9) == history
    assert len(history["loss"]) == 3  # the first loss is the best by far: the wait began before the interruption
    check_same(resumed, straight)
    for one, other in zip(found, expected, strict=True):
        names = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter", "epochs")
        assert [getattr(one, name, None) for name in names] == [getattr(other, name, None) for name in names]
    np.testing.assert_array_equal(found[2].trace, expected[2].trace)


def test_a_stopped_run_stays_stopped(tmp_path):
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1))
    model = classifier()
    history = fit(model, stop, Checkpoint(tmp_path))
    again = classifier()
    assert fit(again, Checkpoint(tmp_path, resume=True)) == history and len(history["loss"]) == 2
    check_same(again, model)


def test_a_loaded_model_goes_on_with_its_own_schedule(tmp_path):
    assert load_latest(tmp_path) is None
    straight = classifier(optimizer=schedule())
    history = fit(straight)
    fit(classifier(optimizer=schedule()), Checkpoint(tmp_path), epochs=2)
    resumed = load_latest(tmp_path)
    assert fit(resumed, Checkpoint(tmp_path)) == history
    check_same(resumed, straight)


def test_a_finished_run_is_extended(tmp_path):
    straight = classifier()
    history = fit(straight, epochs=4)
    fit(classifier(), Checkpoint(tmp_path, every=100), epochs=2)
    resumed = classifier()
    assert restore(resumed, tmp_path) == latest(tmp_path)
    assert fit(resumed, Checkpoint(tmp_path, every=100), epochs=4) == history
    check_same(resumed, straight)


def test_checkpoints_are_taken_every_so_many_steps_and_the_last_are_kept(tmp_path):
    taken = []

    class Watched(Checkpoint):
        def save(self):
            super().save()
            taken.append((self.model.state.epoch, int(self.model.state.step.numpy())))

    fit(classifier(steps_per_execution=2, **COMPILED), Watched(tmp_path, every=5, keep=2), epochs=3)
    # Calls end after every second step; those that pass 5 and 10 are saved, and the end of training.
    assert taken == [(1, 6), (2, 10), (3, 12)]
    assert [tuple(position) for position in checkpoint_files.positions(tmp_path)] == taken[1:]
    assert sorted(os.listdir(tmp_path)) == ["epoch_00002_step_000000010", "epoch_00003_step_000000012"]
    files = ["SHA256SUMS", "arrays.npz", "model.keras", "state.json"]
    assert sorted(os.listdir(latest(tmp_path))) == files
    assert load_latest(tmp_path).state.step.numpy() == 12
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=latest(tmp_path), check=True)


def truncate(path):
    os.truncate(path / "model.keras", (path / "model.keras").stat().st_size // 2)


def flip_a_bit(path):
    content = bytearray((path / "model.keras").read_bytes())
    content[len(content) // 3] ^= 1
    (path / "model.keras").write_bytes(content)


def lose(name):
    return lambda path: (path / name).unlink()


@pytest.mark.parametrize(
    "damage",
    [truncate, flip_a_bit, lose("state.json"), lose("SHA256SUMS"), lambda path: (path / "SHA256SUMS").write_text("")],
    ids=["truncated", "flipped bit", "lost file", "lost sums", "empty sums"],
)
def test_a_damaged_checkpoint_is_passed_over(tmp_path, trained, damage):
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    first, second = (tmp_path / position.name for position in checkpoint_files.positions(tmp_path))
    damage(second)
    with pytest.warns(UserWarning, match=f"{second.name} is damaged"):
        assert latest(tmp_path) == first
    model = classifier()
    with pytest.warns(UserWarning, match="damaged"):
        history = fit(model, Checkpoint(tmp_path, keep=2, resume=True), epochs=2)
    assert history == trained.history
    check_same(model, trained.model)
    assert latest(tmp_path) == second  # written anew
    damage(first)
    damage(second)
    with pytest.warns(UserWarning, match="damaged"):
        assert restore(model, tmp_path) is None


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model trained for two epochs, with `folder` of a checkpoint of each and `history`."""
    folder = tmp_path_factory.mktemp("trained")
    model = classifier()

    class Trained:
        pass

    found = Trained()
    found.model, found.folder, found.history = model, folder, fit(model, Checkpoint(folder), epochs=2)
    return found


def test_what_a_killed_process_left_is_cleared_away(tmp_path, trained):
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / ".new_epoch_00003_step_000000012").mkdir()
    (tmp_path / ".new_epoch_00003_step_000000012" / "model.keras").write_text("half")
    (tmp_path / ".old_epoch_00000_step_000000003").mkdir()
    assert latest(tmp_path).name == "epoch_00002_step_000000008"
    fit(classifier(), Checkpoint(tmp_path, keep=2, resume=True), epochs=2)
    assert sorted(os.listdir(tmp_path)) == ["epoch_00001_step_000000004", "epoch_00002_step_000000008"]


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, trained, monkeypatch):
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    model = classifier()
    restore(model, tmp_path)
    monkeypatch.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    message = "step_000000012 could not be written: No space left on device; the last one there is .*step_000000008"
    with pytest.raises(OSError, match=message):
        fit(model, Checkpoint(tmp_path), epochs=3)
    check_intact(tmp_path, trained)


def test_a_file_system_that_cannot_flush_folders(tmp_path, monkeypatch, caplog):
    """Network shares: the fit goes on, and one line says so."""
    flush, reasons = os.fsync, iter([errno.EINVAL, errno.EINVAL, errno.ENOTSUP, errno.ENOTSUP, errno.EIO])

    def on_a_share(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            reason = next(reasons)
            raise OSError(reason, os.strerror(reason))
        flush(descriptor)

    monkeypatch.setattr(checkpoint_files.os, "fsync", on_a_share)
    checkpoint_files._say_once.cache_clear()
    model = classifier()
    fit(model, Checkpoint(tmp_path), epochs=2)
    assert latest(tmp_path).name == "epoch_00002_step_000000008"
    said = [record.getMessage() for record in caplog.records if "cannot flush folders" in record.getMessage()]
    assert len(said) == 2 and "Invalid argument" in said[0]  # one for each reason
    with pytest.raises(OSError, match="Input/output error"):  # which is no matter of what the file system can
        fit(model, Checkpoint(tmp_path), epochs=3)


def check_intact(folder, trained):
    """What was there is whole, and nothing else was left behind."""
    assert sorted(os.listdir(folder)) == [position.name for position in checkpoint_files.positions(trained.folder)]
    for position in checkpoint_files.positions(folder):
        checkpoint_files.check(folder / position.name)


def test_a_file_size_limit_leaves_the_last_checkpoint(processes, tmp_path, trained):
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    error = processes.call(jobs.write_checkpoint, str(tmp_path), 4000)
    assert "step_000000009 could not be written: File too large; the last one there is" in error
    check_intact(tmp_path, trained)


def test_a_small_file_system_leaves_the_last_checkpoint(processes, tmp_path, trained):
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a file system")
    try:
        shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
        free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
        (tmp_path / "filler").write_bytes(bytes(free - (latest(tmp_path) / "model.keras").stat().st_size // 2))
        error = processes.call(jobs.write_checkpoint, str(tmp_path))
        (tmp_path / "filler").unlink()
        assert "step_000000009 could not be written: No space left on device; the last one there is" in error
        check_intact(tmp_path, trained)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_read_only_folder_leaves_the_last_checkpoint(processes, trained, tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.copytree(trained.folder, folder)
    folder.chmod(0o555)
    error = processes.call(jobs.write_checkpoint, str(folder), None, True)
    folder.chmod(0o755)
    assert "step_000000009 could not be written: Permission denied; the last one there is" in error
    check_intact(folder, trained)


def test_a_folder_of_another_run_is_refused(trained):
    with pytest.raises(ValueError, match="resume=True.*Received: .*step_000000008.* model at .*step_000000000"):
        fit(classifier(), Checkpoint(trained.folder))


def test_another_model_is_refused(trained):
    with pytest.raises(ValueError, match="should be the one that .* holds. Received: "):
        restore(jobs.small_vae(), trained.folder)


def test_another_optimizer_is_refused(trained):
    with pytest.raises(ValueError, match="should be the one that .* holds. Received: Skipping variable loading"):
        restore(classifier(optimizer="sgd"), trained.folder)


def test_models_without_a_training_state_are_refused(tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(TypeError, match="should be a keras_dl model.*Received: Sequential"):
        restore(network, tmp_path)
    with pytest.raises(TypeError, match="should be compiled"):
        restore(keras_dl.models.Supervised(network), tmp_path)


@pytest.mark.parametrize("options", [{"every": 0}, {"every": "step"}, {"every": True}, {"keep": 0}, {"keep": 1.5}])
def test_arguments_out_of_range(tmp_path, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} should be .* Received: "):
        Checkpoint(tmp_path, **options)


def test_other_metrics_begin_anew(tmp_path):
    with pytest.raises(Interruption):
        fit(classifier(), Checkpoint(tmp_path, 1), Interrupt(3))
    model = classifier(metrics=None)
    restore(model, tmp_path)
    with pytest.warns(UserWarning, match="begin anew"):
        fit(model, epochs=1)


def test_a_state_that_is_no_data_is_refused(tmp_path):
    counter = Counter()
    counter.get_state = lambda: {"model": counter}
    with pytest.raises(TypeError, match="state of a callback should be numbers.*Received: .*Counter"):
        fit(classifier(), counter, Checkpoint(tmp_path), epochs=1)
    assert os.listdir(tmp_path) == []
