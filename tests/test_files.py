"""What is written where a file is already: nothing of the user's is replaced."""

import ast
import hashlib
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest

from keras_dl import files
from keras_dl.callbacks import save_samples
from keras_dl.callbacks.sheets import save_figure
from keras_dl.tasks.drawing import write_samples
from keras_dl.tasks.rows import write_rows

ROOT = Path(__file__).resolve().parents[1]


def writer(text):
    return lambda path: path.write_text(text)


def test_what_we_wrote_is_replaced(tmp_path):
    for text in ("first", "second", "first"):
        files.replace(tmp_path / "new" / "a.txt", writer(text))
        assert (tmp_path / "new" / "a.txt").read_text() == text
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"a.txt", files.LIST}
    sums = [hashlib.sha256(text).hexdigest() for text in (b"first", b"second")]
    assert (tmp_path / "new" / files.LIST).read_text() == "".join(f"{one}  a.txt\n" for one in sums)


@pytest.mark.parametrize("change", ["made", "changed", "renamed", "folder", "link"])
def test_what_is_not_ours_stays(tmp_path, change):
    path = tmp_path / "a.b.txt"
    files.replace(path, writer("ours"))
    if change == "renamed":  # ours, but the user has given it another place
        path.rename(tmp_path / "other.txt")
        path = tmp_path / "other.txt"
    elif change != "changed":
        path.unlink()
    if change == "folder":
        path.mkdir()
    elif change == "link":
        path.symlink_to(tmp_path / "nowhere")
    elif change in ("made", "changed"):
        path.write_text("the user's")
    before = {one: one.is_file() and one.read_text() for one in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match="is not replaced.*Received: "):
        files.replace(path, writer("new"))
    assert {one: one.is_file() and one.read_text() for one in tmp_path.iterdir()} == before
    stem, dot, suffix = path.name.partition(".")
    with pytest.warns(UserWarning, match="stays"):
        assert files.put(path, writer("new")) == tmp_path / f"{stem}_2{dot}{suffix}"
    with pytest.warns(UserWarning, match="stays"):  # ours: replaced
        assert files.put(path, writer("newer")).read_text() == "newer"
    (tmp_path / f"{stem}_2{dot}{suffix}").write_text("the user's, too")
    assert files.free_name(path) == tmp_path / f"{stem}_3{dot}{suffix}"


def test_a_file_where_a_folder_belongs_is_named(tmp_path):
    (tmp_path / "mine").write_text("mine")
    for name in ("mine/a.png", "mine/below/a.png"):
        with pytest.raises(FileExistsError, match="mine should be a folder. Received: a file"):
            files.check_free([tmp_path / name])
    files.check_free([tmp_path / "new" / "a.png"])


def test_a_failure_or_a_kill_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    files.replace(path, writer("old"))

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        files.replace(path, fail)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):  # between the list's line and the move
        files.replace(path, writer("new"))
    monkeypatch.undo()
    files.replace(path, writer("new"))
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("figure.png", lambda path: save_figure(path, matplotlib.figure.Figure())),
        ("grid.jpg", lambda path: save_samples(path, np.zeros((2, 4, 4, 1)))),
        ("sheet.png", lambda path: save_samples(path, np.zeros((2, 4, 4, 1)), title="a title")),
        ("points.png", lambda path: save_samples(path, np.zeros((5, 2)))),
        ("samples.npy", lambda path: write_samples(path, np.zeros((5, 2)))),
        ("cases.csv", lambda path: write_rows(path, [{"case": "a", "dice": 1.0}])),
    ],
)
def test_pictures_arrays_and_tables(tmp_path, name, write):
    write(tmp_path / name)
    write(tmp_path / name)  # ours: without a word
    (tmp_path / name).write_text("the user's")
    with pytest.warns(UserWarning, match=f"{name} is not a file of ours"):
        write(tmp_path / name)
    assert (tmp_path / name).read_text() == "the user's"
    stem, _, suffix = name.partition(".")
    assert (tmp_path / f"{stem}_2.{suffix}").stat().st_size > 0


#: Calls that write a file, and where they stand: each in a folder that begins empty, or through `keras_dl.files`.
WRITING = {"write_text", "write_bytes", "savefig", "save_img", "copyfile", "tofile", "to_csv", "imsave"}
PLACES = {
    "keras_dl/callbacks/pictures.py": "through files",
    "keras_dl/callbacks/sheets.py": "through files",
    "keras_dl/data/disk/unpacking.py": "into a temporary folder",
    "keras_dl/models/formats/litert.py": "into a temporary folder",
    "keras_dl/models/formats/onnx.py": "into a temporary folder",
    "keras_dl/runs/folder.py": "through files",
    "keras_dl/runs/lock.py": "into a run folder, and only where no lock is",
    "keras_dl/runs/publication.py": "through files, but for models.config, which is merged",
    "keras_dl/runtime/callback_states.py": "into a new checkpoint",
    "keras_dl/explore/npm.py": "into the cache of packages",
    "keras_dl/explore/site.py": "through files",
    "keras_dl/runtime/checkpoint_files.py": "into a new checkpoint",
    "keras_dl/runtime/tuning/record.py": "through files",
    "keras_dl/search/report.py": "through files",
    "keras_dl/tasks/drawing.py": "through files",
    "keras_dl/tasks/field.py": "through files",
    "keras_dl/tasks/growing.py": "through files",
    "keras_dl/tasks/segmentation.py": "through files",
    "keras_dl/tasks/rows.py": "through files",
    "keras_dl/data/segmentation/store.py": "into a temporary folder",
    "keras_dl/runs/closing.py": "through files",
    "apps/clients/arguments.py": "through files",
    "apps/compare.py": "through files",
    "apps/compare_job.py": "through files",
    "apps/notes/__main__.py": "through files",
    "apps/recipes/__main__.py": "a source file, whose history git keeps, moved into its place",
    "apps/report.py": "through files",
}


def writes(node):
    """Whether a call writes a file."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    of_arrays = name == "save" and getattr(getattr(node.func, "value", None), "id", "") == "np"
    modes = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    opens = name == "open" and any(str(mode) in ("w", "wb", "a", "x") for mode in modes)
    of_files = name in WRITING
    return of_files or of_arrays or opens


def test_every_place_that_writes_is_known():
    places = set()
    for path in [*(ROOT / "keras_dl").rglob("*.py"), *(ROOT / "apps").rglob("*.py")]:
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        if any(writes(call) for call in calls):
            places.add(str(path.relative_to(ROOT)))
    assert places - {"keras_dl/files.py"} <= PLACES.keys()


def test_the_lists_of_the_committed_models_are_true():
    lists = sorted((ROOT / "saved_models").glob(f"*/{files.LIST}"))
    assert len(lists) == 4
    assert all(files.is_free(path.with_name(name)) for path in lists for name in ("README.md", "samples.png"))


def test_links_stay_links(tmp_path):
    (tmp_path / "store").mkdir()
    link = tmp_path / "models.txt"
    files.replace(tmp_path / "store" / "a1b2", writer("old"))
    link.symlink_to(tmp_path / "store" / "a1b2")
    assert files.is_free(link) and files.is_listed(link)
    files.replace(link, lambda path: path.write_text(path.suffix))
    assert link.is_symlink() and (tmp_path / "store" / "a1b2").read_text() == ".txt"
    (tmp_path / "store" / "a1b2").write_text("the user's")
    with pytest.raises(FileExistsError, match="models.txt was not written"):
        files.replace(link, writer("new"))
    assert link.is_symlink() and link.read_text() == "the user's"


def test_a_list_does_not_grow_with_every_epoch(tmp_path):
    files.replace(tmp_path / "b.csv", writer("b"))
    for epoch in range(3 * files.MOST_LINES):
        files.replace(tmp_path / "a.csv", writer(f"{epoch}"))
    lines = (tmp_path / files.LIST).read_text().splitlines()
    assert len(lines) <= files.MOST_LINES + 2
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "b.csv", files.LIST}
    assert files.is_free(tmp_path / "a.csv") and files.is_free(tmp_path / "b.csv")


def test_a_list_that_was_cut_short_goes_on(tmp_path):
    (tmp_path / files.LIST).write_bytes(b"\xff\x00 half a line")
    files.replace(tmp_path / "a.csv", writer("a"))
    assert files.is_free(tmp_path / "a.csv")
    files.replace(tmp_path / "a.csv", writer("b"))


def test_files_of_earlier_versions_become_ours(tmp_path):
    (tmp_path / "a.csv").write_text("a")
    assert not files.is_listed(tmp_path / "a.csv")
    files.adopt([tmp_path / "a.csv", tmp_path / "nothing"])
    assert files.is_free(tmp_path / "a.csv") and files.is_listed(tmp_path / "a.csv")
