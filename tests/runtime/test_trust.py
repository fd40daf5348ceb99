"""Files that others made: no code is run from them, nothing is written outside, and what is damaged is refused."""

import hashlib
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import keras_dl
from keras_dl.data import files
from keras_dl.runs import RunFolder
from keras_dl.runtime import callback_states
from tests.models.builders import images, small_classifier

LABELS = np.zeros(8, np.int32)


def classifier():
    model = small_classifier()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss=loss, jit_compile=False)
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A `.keras` file of the tests' classifier."""
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    classifier().save(path)
    return path


def rewritten(source, target, change=lambda name, content: content, extra=()):
    """Copies an archive, its members changed, with further members."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in extra:
            new.writestr(name, content)
    return target


def with_config(source, target, edit):
    """Copies a `.keras` file with `edit(config)` done to its configuration."""

    def change(name, content):
        if name != "config.json":
            return content
        config = json.loads(content)
        edit(config)
        return json.dumps(config).encode()

    return rewritten(source, target, change)


def run_folder(path, model_file):
    folder = RunFolder(path)
    path.mkdir(exist_ok=True)
    folder.model_file.write_bytes(Path(model_file).read_bytes())
    return folder


def checkpoint(path, model_file):
    """A folder of checkpoints whose one checkpoint, its sums right, holds a crafted model."""
    place = path / "checkpoints" / "epoch_00001_step_000000001"
    place.mkdir(parents=True)
    (place / "model.keras").write_bytes(Path(model_file).read_bytes())
    digest = hashlib.sha256((place / "model.keras").read_bytes()).hexdigest()
    (place / "SHA256SUMS").write_text(f"{digest}  model.keras\n")
    return path / "checkpoints"


def check_refused(path, model_file, words):
    """Checks that every loader refuses a crafted `.keras` file."""
    with pytest.raises(ValueError, match=f"(?is)cannot be read.*({words})"):
        run_folder(path / "run", model_file).load_model()
    with pytest.raises((ValueError, TypeError), match=f"(?is){words}"):
        keras_dl.runtime.load_latest(checkpoint(path, model_file))


def test_lambdas_are_not_run(tmp_path):
    trace = str(tmp_path / "trace")
    attack = keras.layers.Lambda(lambda x: x if open(trace, "w").close() is None else x)
    network = keras.Sequential([keras.Input((4, 4, 1)), attack])
    network.save(tmp_path / "lambda.keras")
    os.remove(trace)
    check_refused(tmp_path, tmp_path / "lambda.keras", "lambda.*safe")
    assert not os.path.exists(trace)
    keras.saving.load_model(tmp_path / "lambda.keras", safe_mode=False)
    assert os.path.exists(trace)  # it would have been


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("keras.utils", "get_file")]
)
def test_names_of_other_things_are_not_called(saved, tmp_path, module, name):
    trace = tmp_path / "trace"

    def edit(config):
        made = {"module": module, "class_name": name, "registered_name": name}
        config["config"]["network"] = made | {"config": {"args": [f"touch {trace}"], "command": f"touch {trace}"}}

    crafted = with_config(saved, tmp_path / "crafted.keras", edit)
    check_refused(tmp_path, crafted, "could not|not allowed|unknown|expected|should|should|safe")
    assert not trace.exists()


@pytest.mark.filterwarnings("ignore:Skipping invalid path")
def test_members_outside_stay_unwritten(saved, tmp_path, monkeypatch):
    scratch = tmp_path / "outer" / "scratch"
    scratch.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    outside = tmp_path / "absolute"
    names = ["../evil", "assets/../../evil", "assets/../evil", str(outside), "..\\evil"]
    crafted = rewritten(saved, tmp_path / "crafted.keras", extra=[(name, b"evil") for name in names])
    before = sorted(tmp_path.rglob("*"))
    for load in (keras.saving.load_model, lambda path: run_folder(tmp_path / "run", path).load_model()):
        try:
            load(crafted)
        except ValueError as error:
            assert "traversal" in str(error) or "cannot be read" in str(error)
    new = {path for path in tmp_path.rglob("*") if path not in before and "run" not in path.parts}
    assert not [path for path in new if "evil" in path.name or path == outside], new
    assert not Path("evil").exists()


def test_weights_elsewhere_are_not_read(saved, tmp_path):
    """Weights that are links to another HDF5 file would read what the file's maker does not have."""
    model = classifier()
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["value"] = np.full((16, 8), 7.0, np.float32)
    links = []

    def change(name, content):
        if not name.endswith(".weights.h5"):
            return content
        buffer = io.BytesIO(content)
        with h5py.File(buffer, "r+") as weights:
            found = []
            weights.visititems(lambda path, item: found.append(path) if _is_kernel(item) else None)
            for path in found:
                del weights[path]
                weights[path] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/value")
            links.extend(found)
        return buffer.getvalue()

    crafted = rewritten(saved, tmp_path / "crafted.keras", change)
    assert links
    weights = [w.copy() for w in model.get_weights()]
    folder = checkpoint(tmp_path, crafted)
    try:
        keras_dl.runtime.restore(model, folder)
    except (ValueError, OSError, KeyError) as error:
        assert str(error)
    assert not any((w == 7.0).any() for w in model.get_weights())
    assert all(w.shape == v.shape for w, v in zip(model.get_weights(), weights, strict=True))


def _is_kernel(item):
    return isinstance(item, h5py.Dataset) and item.shape == (16, 8)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "a byte"])
def test_damaged_archives(saved, tmp_path, damage):
    content = bytearray(saved.read_bytes())
    if damage == "a byte":
        with zipfile.ZipFile(saved) as archive:
            info = archive.getinfo("config.json")
        content[info.header_offset + 30 + len(info.filename) + 40] ^= 0xFF
    changed = {"cut": content[:-100], "empty": b"", "text": b"no archive", "a byte": content}[damage]
    (tmp_path / "damaged.keras").write_bytes(bytes(changed))
    with pytest.raises(ValueError, match="cannot be read"):
        run_folder(tmp_path / "run", tmp_path / "damaged.keras").load_model()


def test_a_checkpoint_whose_sums_do_not_fit_is_passed_over(saved, tmp_path):
    folder = checkpoint(tmp_path, saved)
    with open(next(folder.iterdir()) / "model.keras", "ab") as file:
        file.write(b"x")
    with pytest.warns(UserWarning, match="damaged"):
        assert keras_dl.runtime.load_latest(folder) is None


def test_sums_name_no_files_elsewhere(saved, tmp_path):
    folder = checkpoint(tmp_path, saved)
    sums = next(folder.iterdir()) / "SHA256SUMS"
    digest = hashlib.sha256(saved.read_bytes()).hexdigest()
    sums.write_text(f"{digest}  {saved}\n")
    with pytest.warns(UserWarning, match="damaged"):
        assert keras_dl.runtime.latest(folder) is None


class Bomb:
    """Something that leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_arrays_of_objects_are_not_unpickled(tmp_path):
    trace = tmp_path / "trace"
    objects = np.array([Bomb(trace)], dtype=object)
    np.savez(tmp_path / "arrays.npz", train_data=objects, array_0=objects)
    (tmp_path / "state.json").write_text('{"callbacks": [["X", {"__array__": "array_0"}]]}')
    with pytest.raises(ValueError, match="(?i)pickle|object"):
        callback_states.load(tmp_path / "state.json", tmp_path / "arrays.npz")
    with pytest.raises(ValueError, match="should be an .npz file"):
        files.read_npz(tmp_path / "arrays.npz", {"train_data": (1,)})
    assert not trace.exists()


def test_archives_of_data_are_not_unpacked(tmp_path):
    """CIFAR-10's archive is read member by member; one with links and paths outside brings nothing onto the disk."""
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name in ("../evil", "/evil", "cifar-10-batches-bin/../../evil"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="cifar-10-binary.tar.gz should"):
        files.read_cifar10_binary(tmp_path, ["data_batch_1.bin"])
    assert sorted(tmp_path.rglob("*")) == before


def test_what_we_save_loads(saved, tmp_path):
    model = run_folder(tmp_path / "run", saved).load_model()
    np.testing.assert_array_equal(model.predict(images(2), verbose=0), classifier().predict(images(2), verbose=0))
    assert keras_dl.runtime.load_latest(checkpoint(tmp_path, saved)).built
