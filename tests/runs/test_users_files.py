"""Run and search folders with files of a user's, or with damaged ones: these stay, and are named."""

import json
import shutil

import pytest

from keras_dl import files
from keras_dl.data import segmentation as segmentation_data
from keras_dl.runs import RunFolder, ensemble
from keras_dl.search import SearchFolder
from keras_dl.tasks import rows

DATA = {"shape": [8, 8, 1], "num_samples": 3}
CONFIG = {"recipe": "vae", "dataset": "digits", "data": DATA, "seed": 0, "hyperparameters": {}, "fit": {}}
WRITING = {
    "config.json": lambda folder: folder.write_config(CONFIG | {"seed": 7}),
    "evaluation.json": lambda folder: folder.write_evaluation({"dataset": "digits"}),
    "history.csv": lambda folder: folder.write_history([{"epoch": 1.0}]),
    "model.keras": lambda folder: folder.keep_model(folder.path / "of_checkpoint"),
    "results.json": lambda folder: folder.write_results({"train": {}, "test": {}}),
}
#: Contents of a file that stands where a table or a record of ours should.
DAMAGED = {"empty": b"", "cut": b'{"train": {"los', "binary": b"\x00\xff\xfe" * 9, "list": b"[]"}
DAMAGED["nested"] = b"[" * 10**5


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_config(CONFIG)
    (tmp_path / "of_checkpoint").write_bytes(b"a model")
    return folder


@pytest.mark.parametrize("name", WRITING)
def test_nothing_of_a_users_is_replaced(folder, name):
    path = folder.path / name
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=f"{name} was not written by keras_dl"):
        WRITING[name](folder)
    assert path.read_text() == "mine" and not list(folder.path.glob(".new_*"))
    with pytest.raises((FileExistsError, ValueError), match=name):
        folder.check_free(path)
    path.unlink()
    WRITING[name](folder)
    WRITING[name](folder)  # ours: replaced


@pytest.mark.parametrize("name", WRITING)
def test_runs_of_earlier_versions_go_on(folder, name):
    for other in WRITING:
        WRITING[other](folder)
    (folder.path / files.LIST).unlink()  # they kept none
    WRITING[name](folder)
    folder.check_free()
    folder.check_free(folder.evaluation_file)


@pytest.mark.parametrize("name", ["checkpoints", "pictures", "tensorboard"])
def test_a_file_in_the_place_of_a_folder_is_named(folder, name):
    (folder.path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=f"{name} should be a folder.*Received: "):
        folder.check_free()


def test_a_history_and_a_config_that_were_changed_go_on(folder):
    folder.write_history([{"epoch": 1.0, "loss": 2.0}, {"epoch": 2.0, "loss": 1.0}])
    folder.history_file.write_text("epoch,loss\n1,2.0\n")  # shortened by the user
    folder.config_file.write_text(json.dumps(CONFIG | {"seed": 3}))
    folder.check_free()
    folder.write_history([*folder.read_history(), {"epoch": 2, "loss": 1.5}])
    folder.write_config(folder.read_config() | {"fit": {"epochs": 9}})
    assert [row["loss"] for row in folder.read_history()] == [2.0, 1.5] and folder.read_config()["seed"] == 3
    for path in (folder.history_file, folder.config_file):
        path.write_text("")
        with pytest.raises(ValueError, match=f"{path.name} cannot be read"):
            folder.check_free()
        path.unlink()


def test_a_config_that_says_the_same_stays_as_it_is(folder):
    text = json.dumps(CONFIG)  # put into one line by the user
    folder.config_file.write_text(text)
    folder.write_config(CONFIG)
    assert folder.config_file.read_text() == text


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_records_are_named(folder, kind):
    for path in (folder.results_file, folder.evaluation_file):
        WRITING[path.name](folder)
        path.write_bytes(DAMAGED[kind])
        with pytest.raises(ValueError, match=f"{path.name} cannot be read.*Received: "):
            folder.read_results()
        path.unlink()
        path.mkdir()
        with pytest.raises(ValueError, match=f"{path.name} cannot be read"):
            folder.read_results()
        path.rmdir()
        WRITING[path.name](folder)
    folder.config_file.write_bytes(DAMAGED[kind])
    with pytest.raises(ValueError, match="config.json cannot be read"):
        folder.read_config()


@pytest.mark.parametrize(
    "change", [{"folder": 5}, {"reading": []}, {"features": 1}, {"versions": "1"}, {"runtime": []}]
)
def test_what_a_config_may_hold_is_of_its_kind(folder, change):
    folder.config_file.write_text(json.dumps(CONFIG | dict.fromkeys(change)))
    assert folder.read_config()["recipe"] == "vae"
    folder.config_file.write_text(json.dumps(CONFIG | change))
    with pytest.raises(ValueError, match=f"config.json cannot be read: {[*change][0]} should be of type"):
        folder.read_config()


def test_the_record_of_a_completed_trial_is_whole(tmp_path):
    folder, whole = SearchFolder(tmp_path), {"value": 1.0, "epoch": 1, "history": [], "hyperparameters": {}, "fit": {}}
    with pytest.raises(ValueError, match="record.json cannot be read"):
        folder.read_record("0", completed=True)
    for record in ({}, whole | {"value": "1"}, whole | {"history": None}):
        folder.write_record("0", record)
        assert folder.read_record("0") == record  # of a trial that is under way
        with pytest.raises(ValueError, match="trial_0/record.json cannot be read: (it lacks|value|history)"):
            folder.read_record("0", completed=True)
    folder.write_record("0", whole)
    assert folder.read_record("0", completed=True) == whole


@pytest.mark.parametrize("content", [b"epoch,loss\n1,\xff\n", b"epoch,loss\n1,0.5\n2,", b'epoch,loss\n1,"0', b"\xff"])
def test_damaged_histories_are_named(folder, content):
    folder.history_file.write_bytes(content)
    with pytest.raises(ValueError, match="history.csv cannot be read.*Received: "):
        folder.read_history()
    folder.history_file.unlink()
    folder.history_file.mkdir()
    with pytest.raises(ValueError, match="history.csv cannot be read"):
        folder.read_history()


def test_a_users_own_evaluation_is_none_of_ours(folder):
    folder.evaluation_file.write_text('{"my": "figures"}')
    assert folder.read_results() == [None, None]


@pytest.mark.parametrize("kind", ["empty", "binary", "cut"])
def test_damaged_scores_of_a_fold_are_named(tmp_path, kind):
    fold = RunFolder(tmp_path / "fold_0")
    fold.write_config(CONFIG)
    (fold.path / "cases.csv").write_bytes(DAMAGED[kind])
    with pytest.raises(ValueError, match="fold_0/cases.csv should hold the scores"):
        ensemble.pooled(RunFolder(tmp_path))
    with pytest.raises(ValueError, match="cases.csv should hold the scores"):
        rows.read_rows(tmp_path / "cases.csv")


def test_a_search_names_what_it_cannot_read_or_replace(tmp_path):
    folder = SearchFolder(tmp_path)
    folder.write_json(folder.config_file, CONFIG)
    folder.write_record("0", {"value": 1.0})
    (folder.trial("0") / "record.json").write_text("{")
    with pytest.raises(ValueError, match=r"record.json cannot be read"):
        folder.read_record("0")
    folder.best.path.mkdir()
    (folder.best.path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="best should hold the run of an earlier best trial"):
        folder.check_free()
    shutil.rmtree(folder.best.path)
    folder.table_file.write_text("mine")
    with pytest.raises(FileExistsError, match="trials.csv was not written"):
        folder.check_free()


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (("fit",), "mirroring", "yes"), (("fit",), "mirroring", None), (("fit",), "plan", "fine"),
        (("data",), "label_values", None), (("fit", "plan"), "spacing", None), (("fit", "plan"), "batch_size", "two"),
        (("fit", "plan"), "intensities", [{"mean": 1.0}]), (("fit", "plan"), "slice_axis", "first"),
    ],
)  # fmt: skip
def test_what_a_segmenter_lacks_is_named(tmp_path, place, name, value):
    """`apps.segment` and the others do not go on until they need it."""
    plan = segmentation_data.Plan((1.0,), (8,), (8,), 2, ((2,),), ((3,),), (4,), 2, ("zscore",), (), False, None, (0,))
    config = {**CONFIG, "fit": {"mirroring": True, "plan": plan.to_dict()}}
    config["data"] = {"shape": [8, 1], "num_samples": 3, "label_values": [0, 1]}
    folder = RunFolder(tmp_path)
    folder.write_config(config)
    assert folder.read_config() == json.loads(json.dumps(config))
    part = config
    for key in place:
        part = part[key]
    part.pop(name) if value is None else part.update({name: value})
    folder.write_config(config)
    with pytest.raises(ValueError, match=f"config.json cannot be read: .*{name}.*Received: "):
        folder.read_config()


@pytest.mark.parametrize("name", ["oracle.json", "trial_0/trial.json"])
@pytest.mark.parametrize("kind", ["empty", "cut", "binary", "list"])
def test_a_damaged_book_is_named(tmp_path, name, kind):
    from tests.search import test_parts as parts

    book = parts.oracle("random", tmp_path)
    assert parts.step(book)
    path = tmp_path / "trials" / name
    path.write_bytes(DAMAGED[kind])
    with pytest.raises(ValueError, match=f"the book in .* cannot be read.*Received: .*{name}"):
        parts.oracle("random", tmp_path)


@pytest.mark.parametrize("damage", ["{}", '{"trial_id": "0"}', "another", "status", "missing"])
def test_a_trial_that_is_damaged_is_named_and_not_the_book(tmp_path, damage):
    from tests.search import test_parts as parts

    assert parts.step(parts.oracle("random", tmp_path))
    path = tmp_path / "trials" / "trial_0" / "trial.json"
    whole = json.loads(path.read_text())
    changed = {"another": {**whole, "trial_id": "1"}, "status": {**whole, "status": "DONE"}}
    if damage == "missing":
        path.unlink()
    else:
        path.write_text(json.dumps(changed[damage]) if damage in changed else damage)
    with pytest.raises(ValueError, match="the book in .* cannot be read.*Received: .*trial_0/trial.json"):
        parts.oracle("random", tmp_path)


def test_a_search_whose_book_is_gone_does_not_begin_anew(tmp_path):
    from tests.search import test_parts as parts

    assert parts.step(parts.oracle("random", tmp_path))
    (tmp_path / "trials" / "oracle.json").unlink()
    parts.oracle("random", tmp_path)  # as after a kill between the first trial's file and the book
    SearchFolder(tmp_path).write_record("0", {"attempts": 1})
    with pytest.raises(ValueError, match="oracle.json: it is missing, and there are trials; restore it"):
        parts.oracle("random", tmp_path)
