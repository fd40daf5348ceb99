"""What a page of a model consists of: its manifest, its files, the pinned runtime. The page itself: `test_page.py`."""

import base64
import hashlib
import io
import json
import re
import tarfile
import threading
import types
import urllib.request
from pathlib import Path

import html5lib
import numpy as np
import pytest

import keras_dl
from apps import catalogue, cli
from apps import explore as program
from keras_dl import explore, tasks
from keras_dl.explore import manifest, npm, site
from keras_dl.tasks import showing
from tests.models.gan_builders import small_lapgan, small_stylegan

PAGE = Path(explore.__file__).parent / "page"
PLAN = keras_dl.data.segmentation.plan(
    keras_dl.data.segmentation.Fingerprint(((1.0, 1.0),), ((64, 72),), num_classes=3)
)._replace(patch_size=(16, 16))
SCRIPT = b"export const answer = 42;"


def packed(content):
    """An archive as npm packs it, and a package that pins it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/dist/thing.js")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    data = file.getvalue()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    sums = {"package/dist/thing.js": hashlib.sha256(content).hexdigest()}
    return data, npm.Package("thing", "1.0.0", integrity, sums)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry of one package, `thing`, on this machine; returns the path of its archive."""
    place = tmp_path / "registry" / "thing" / "-"
    place.mkdir(parents=True)
    with explore.serving(tmp_path / "registry") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
        yield place / "thing-1.0.0.tgz"
        server.shutdown()


def test_a_package_is_fetched_once_and_mended_when_damaged(registry, tmp_path):
    data, package = packed(SCRIPT)
    registry.write_bytes(data)
    (path,) = explore.fetch(package, tmp_path / "cache").values()
    assert path.read_bytes() == SCRIPT
    registry.unlink()
    assert explore.fetch(package, tmp_path / "cache") == {"thing.js": path}
    registry.write_bytes(data)
    path.write_bytes(b"damaged")
    explore.fetch(package, tmp_path / "cache")
    assert path.read_bytes() == SCRIPT


def test_another_archive_than_the_pinned_one_is_refused(registry, tmp_path):
    _, package = packed(SCRIPT)
    registry.write_bytes(packed(b"something else")[0])
    with pytest.raises(ValueError, match="thing-1.0.0.tgz should have the checksum sha512-.* Received: sha512-"):
        explore.fetch(package, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("thing.js"))


def test_without_a_registry_a_sentence_says_what_to_do_and_that_helps(registry, tmp_path):
    data, package = packed(SCRIPT)
    with pytest.raises(OSError, match="`npm pack thing@1.0.0` writes where it is looked for") as error:
        explore.fetch(package, tmp_path / "cache")
    place = Path(re.search(r"looked for, (\S+)\.", str(error.value))[1])
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    assert explore.fetch(package, tmp_path / "cache")["thing.js"].read_bytes() == SCRIPT


def test_the_server_is_of_this_machine_and_knows_the_types_of_a_page(tmp_path):
    (tmp_path / "ort.wasm").write_bytes(b"\0asm")
    with explore.serving(tmp_path) as server:
        assert server.server_address[0] == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/ort.wasm") as answer:
            assert answer.headers["Content-Type"] == "application/wasm"
        server.shutdown()


def test_every_task_names_views_that_there_are():
    section = {node.get("id") for node in page().iter("section")}
    assert section == set(manifest.SIGNATURES)
    script = (PAGE / "explore.js").read_text()
    assert set(re.search(r"VIEWS = \{([^}]*)\};", script)[1].replace(":", " ").split()[::2]) == section
    bijector = types.SimpleNamespace(has_inverse=True)
    model = types.SimpleNamespace(latent_size=2, shape=(8, 8, 1), bijector=bijector, missing=False)
    model.has_even_steps = False
    model.shape_a, model.shape_b, model.signatures = (8, 8, 1), (8, 8, 3), lambda: {"predict": None}
    expected = {"vae": ["latents", "posterior"], "gan": ["latents"], "cgan": ["latents"], "lenet": ["classify"]}
    expected |= {"siamese": [], "glow": ["latents", "posterior"], "pca": ["latents", "posterior"]}
    expected |= {
        "jem": ["classify"],
        "pix2pix": ["translate"],
        "cyclegan": ["translate"],
        "super_resolution": ["translate"],
    }
    assert {name: list(catalogue.module(name).TASK.views(model)) for name in expected} == expected
    pyramid, styles = tasks.Pyramid().views(small_lapgan()), tasks.Styles().views(small_stylegan())
    levels = [{"shape": [2 * side, 2 * side, 1], "noise": noise} for side, noise in ((1, 3), (2, 16), (4, 64))]
    assert pyramid == {"pyramid": {"shape": [8, 8, 1], "levels": levels}}
    assert list(styles) == ["latents", "styles"] and styles["styles"]["layers"] == 4


def test_views_of_an_exported_model_follow_from_its_signatures():
    image, latents = {"x": (8, 8, 1)}, {"latents": (4,)}
    vae = {"encode": (image, latents), "decode": (latents, image), "serving_default": (image, image)}
    assert list(manifest.views_of(vae)) == ["latents", "posterior"]
    assert manifest.views_of({"generate": (latents, image)}) == {"latents": {}}
    pyramid = {"generate": (latents, image), "refine": (image, image)}
    assert manifest.views_of(pyramid) == {"latents": {"uniform": True}}
    ways = {"ways": {"A to B": "forward"}}
    assert manifest.views_of({"forward": (image, image), "backward": (image, image)}) == {"translate": ways}
    assert manifest.views_of({"classify": (image, {"probabilities": (10,)})}) == {"classify": {}}
    assert manifest.views_of({"predict": ({"x": (26,)}, {"predictions": (2,)})}) == {}


def test_a_model_without_views_is_refused_before_anything_is_fetched(tmp_path):
    exhibit = explore.Exhibit("glow on digits", "", None, {"encode": None}, {})
    with pytest.raises(ValueError, match="should have something to show.* Received: glow on digits"):
        explore.write(tmp_path / "page", exhibit, tmp_path / "cache")
    assert not list(tmp_path.iterdir())


def page():
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse((PAGE / "index.html").read_text())
    assert parser.errors == []
    return tree


def test_the_page_is_valid_and_its_scripts_name_what_is_there():
    tree = page()
    ids = [node.get("id") for node in tree.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    for path in PAGE.glob("*.js"):
        text = path.read_text()
        assert set(re.findall(r'(?:byId|slider|Condition)\("([\w-]+)"', text)) <= set(ids), path.name
        assert len(text.splitlines()) < 250 and max(map(len, text.splitlines())) <= 120, path.name
        names = re.findall(r'from "\./([\w./]+)"', text)
        assert all((PAGE / name).is_file() or name in site.RUNTIME.values() for name in names)
    assert all(node.get("aria-label") for node in tree.iter("canvas"))
    policy = next(node.get("content") for node in tree.iter("meta") if node.get("http-equiv"))
    assert policy.startswith("default-src 'none'") and "http" not in policy


def test_examples_are_as_the_model_takes_them():
    (_, _), (x, y) = keras_dl.data.load("digits")
    task = catalogue.module("lenet").TASK
    examples = task.examples(task.load("digits"), {}, 5)
    exhibit = explore.Exhibit("t", "", None, {}, {"classify": {}}, list("0123456789"), examples)
    value = {"name": "x", "type": "float32", "shape": [None, 8, 8, 1]}
    content = site.contents(exhibit, {"predict": {"inputs": [value], "outputs": []}})
    about = json.loads(content["manifest.json"])
    read = np.frombuffer(content[about["examples"]["file"]], "<f4").reshape(-1, *about["examples"]["shapes"][0])
    assert np.array_equal(read, x[:5]) and about["examples"]["labels"] == y[:5].tolist()
    assert about["shape"] == [8, 8, 1] and about["range"] == [0.0, 1.0] and about["latent_size"] is None
    assert b"--paper" in content["style.css"] and b"canvas" in content["style.css"]


def test_examples_of_scans_are_whole_and_told_about():
    cases = keras_dl.data.segmentation.load("blobs")
    examples = showing.whole(cases, 3)
    view = catalogue.module("unet").TASK.views(None, {"plan": PLAN.to_dict(), "mirroring": False})
    content = site.contents(explore.Exhibit("t", "", None, {}, view, None, examples), {})
    about = json.loads(content["manifest.json"])
    assert about["examples"]["shapes"] == [[64, 72, 1]] * 3 and about["examples"]["labels"] is None
    assert np.array_equal(np.frombuffer(content["examples.bin"], "<f4")[: 64 * 72], np.ravel(cases[0].image))
    details = {"spacing": [1.0, 1.0], "white": 255.0, "oriented": False, "bytes": False}
    assert about["examples"]["details"] == [details] * 3
    facts = about["views"]["segment"]
    assert facts["shape"] == [16, 16, 1] and facts["rank"] == 2 and not facts["mirror"] and facts["num_classes"] == 3
    large = [cases[0]._replace(image=np.broadcast_to(np.float32(0), (4096, 4096, 1)))]
    assert showing.whole(large, 1) is None


def test_the_program_refuses_what_is_no_model(tmp_path):
    with pytest.raises(cli.UserError, match="holds no run"):
        program.main([str(tmp_path)])
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "saved_model.pb").write_bytes(b"")
    assert program.saved_model(tmp_path) == tmp_path / "10" and program.saved_model(tmp_path / "3") == tmp_path / "3"
    (tmp_path / "file").write_text("")
    with pytest.raises(cli.UserError, match="--to expects a folder"):
        program.main([str(tmp_path), "--to", str(tmp_path / "file")])


def test_a_port_that_is_taken_is_refused(tmp_path):
    with program.listening(tmp_path, 0) as server, pytest.raises(cli.UserError, match="give another --port"):
        program.listening(tmp_path, server.server_port)
