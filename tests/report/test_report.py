"""Reports of runs: valid HTML that needs nothing else, of whole, damaged, killed and diverged runs."""

import base64
import json
import math
import os
import re
import socket
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import html5lib
import keras
import numpy as np
import pytest

import keras_dl
from keras_dl import report
from keras_dl.report import curves, markup, model, pictures, tables
from keras_dl.report.processes import started
from tests.models import hierarchical_builders
from tests.models.builders import small_classifier
from tests.models.gan_builders import small_lapgan

ROOT = Path(__file__).resolve().parents[2]
EVIL = "</script><img src=x onerror=alert(1)>"
CONFIG = {
    "recipe": "vae", "dataset": "digits", "seed": 0, "command": ["python", "-m", "apps.train", "vae", EVIL],
    "data": {"shape": [8, 8, 1], "num_samples": 1437, "num_classes": 10},
    "hyperparameters": {"rate": 1e-3, "why": EVIL},
    "fit": {"epochs": 3}, "runtime": {"versions": {"keras": "3.15"}, "processor": {"kind": "x86_64", "count": 2}},
}  # fmt: skip
PIXELS = (np.arange(48) % 7 * 36).reshape(4, 4, 3).astype("uint8")


def small_network():
    x = keras.Input((4, 4, 1), name="x")
    y = keras.layers.Conv2D(3, 3, padding="same", name="first")(x)
    z = keras.layers.Conv2D(3, 1, padding="same", name="second")(y)
    outputs = keras.layers.Dense(2, name="end")(keras.layers.Flatten(name="flat")(keras.layers.Add(name="sum")([y, z])))
    return keras.Model(x, outputs, name="small")


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def make_run(folder, epochs=3, seed=0):
    (folder / "pictures").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | {"seed": seed}))
    rows = [f"{n},1.5,{1 / n},{2 / n},{3.0 + seed}" for n in range(1, epochs + 1)]
    (folder / "history.csv").write_text("\n".join(["epoch,seconds,loss,val_loss,rate", *rows]))
    results = {"epochs": 3, "seconds": 4.5, "train": {"loss": 1 / 3}, "test": {"loss": 2 / 3}}
    (folder / "results.json").write_text(json.dumps(results))
    evaluation = {"dataset": "digits", "rows": 360, "kid": 15.7 + seed, "kid_standard_error": 1.24, "features": EVIL}
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    for name in ("samples_epoch_0001", "samples_epoch_0003", "loss_curves"):
        keras.utils.save_img(folder / "pictures" / f"{name}.png", PIXELS, scale=False)
    small_network().save(folder / "model.keras")
    (folder / "card.md").write_text(f"# Card\n\n- Seed: `0` {EVIL}\n\n| a | b |\n|---|---:|\n| `x` | 1 |\n")
    return folder


def parsed(text):
    """The page as a tree; it is refused if it is no valid HTML, or two elements have one id."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(text)
    assert parser.errors == []
    ids = [node.get("id") for node in tree.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    return tree


def one_page(*folders):
    return report.page([report.read(folder) for folder in folders])


def words(tree):
    return " ".join(" ".join(tree.find("body").itertext()).split())


def test_a_page_of_a_run_is_valid_and_says_all(run):
    text = one_page(run)
    tree = parsed(text)
    ids = {node.get("id") for node in tree.iter("section")}
    assert ids == {"run", "curves", "figures", "pictures", "model", "card", "next"}
    expected = "ended after its last epoch", "15.7 ± 1.2", "apps.train vae --out", "--resume", "apps.export", "x86_64"
    for line in expected:
        assert line in words(tree), line
    assert len(text) < 5e6 and tree.get("lang") == "en"


def test_the_page_asks_nothing_of_a_network_and_escapes_texts_of_files(run):
    tree = parsed(one_page(run))
    policy = next(node.get("content") for node in tree.iter("meta") if node.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    for node in tree.iter():
        for name in ("src", "href"):
            place = node.get(name)
            assert place is None or place.startswith(("data:image/png;base64,", "#")), place
        assert not any(name.startswith("on") for name in node.attrib)
    assert words(tree).count("onerror=alert(1)") == 4  # command, hyperparameter, figure, card: as words


def test_everything_has_a_name_for_those_who_do_not_see_it(run):
    tree = parsed(one_page(run))
    assert all(image.get("alt") for image in tree.iter("img"))
    labels = {label.get("for") for label in tree.iter("label")}
    assert {box.get("id") for box in tree.iter("input")} == labels != set()
    assert all(node.get("aria-label") for node in tree.iter("div") if node.get("class") == "chart")
    levels = [int(node.tag[1]) for node in tree.iter() if re.fullmatch("h[1-6]", str(node.tag))]
    assert levels[0] == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def luminance(colour):
    """The relative luminance of a colour `#rrggbb` (WCAG 2.1)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_is_enough_in_light_and_dark():
    from keras_dl.report.style import STYLE

    sets = [dict(re.findall(r"(--[\w-]+): (#\w{6})", part)) for part in STYLE.split("@media", 1)]
    assert all(len(colours) == 8 for colours in sets)
    pairs = [("--ink", "--paper"), ("--ink", "--panel"), ("--faint", "--paper"), ("--faint", "--panel")]
    pairs += [("--link", "--paper"), ("--ink", "--alarm-paper")]
    for colours in sets:
        for one, other in pairs:
            light, dark = sorted((luminance(colours[one]), luminance(colours[other])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (one, other)


def test_layers_and_their_weights_are_those_of_keras(run):
    kind, networks, counted = model.read(run / "model.keras")
    network = small_network()
    assert (kind, list(networks), counted) == ("Functional", ["small"], True)
    listed = {layer.name: layer for layer in networks["small"]}
    assert {name: layer.weights for name, layer in listed.items()} == {
        layer.name: layer.count_params() for layer in network.layers
    }
    assert listed["sum"].inputs == ["first", "second"] and listed["sum"].takes == ["4x4x3", "4x4x3"]
    assert f"{network.count_params():,} weights" in words(parsed(one_page(run)))


def test_networks_inside_a_model_are_read(tmp_path):
    encoder = keras_dl.networks.mlp_encoder((8, 8, 1), latent_size=2, hidden=(5, 4))
    vae = keras_dl.models.VAE(encoder, keras_dl.networks.mlp_decoder(2, (8, 8, 1), hidden=(5,)), "bernoulli")
    vae.save(tmp_path / "vae.keras")
    kind, networks, _ = model.read(tmp_path / "vae.keras")
    counts = {name: sum(layer.weights for layer in layers) for name, layers in networks.items()}
    assert kind == "VAE"
    assert counts == {"encoder": vae.encoder.count_params(), "decoder": vae.decoder.count_params()}


PARTS = {
    "a network": small_classifier,
    "networks of levels": lambda: small_lapgan(ema_momentum=0.9),
    "an averaged network": lambda: keras_dl.models.Diffusion(
        keras_dl.networks.denoising_mlp((2,), 4, 8), ema_momentum=0.9, seed=0
    ),
    "a decoder of groups": hierarchical_builders.nvae,
    "bijectors": lambda: keras_dl.models.RealNVP((4, 4, 1), 2, (8,), ema_momentum=0.9, seed=0),
    "a density": lambda: keras_dl.models.PPCA((4,), 2, seed=0),
}


@pytest.mark.parametrize("kind", PARTS)
def test_weights_of_every_kind_of_model_are_counted(tmp_path, kind):
    """Wherever Keras files them: neither averages nor optimizers nor the place in the data are weights of the model."""
    built = PARTS[kind]()
    if kind in ("networks of levels", "an averaged network"):
        built.compile("adam")
    built.save(tmp_path / "model.keras")
    networks = model.read(tmp_path / "model.keras")[1]
    counts = {name: sum(layer.weights for layer in layers) for name, layers in networks.items()}
    expected = {name: part.count_params() for name, part in zip(built.network_names, built.networks, strict=True)}
    assert counts == {name: count for name, count in expected.items() if count}


def test_a_killed_run_says_so(run):
    (run / "results.json").unlink()
    (run / "evaluation.json").unlink()
    lines = (run / "history.csv").read_text().splitlines()
    (run / "history.csv").write_text("\n".join(lines[:2]))
    text = words(parsed(one_page(run)))
    assert "was interrupted" in text and "1 of 3 epochs are behind it" in text and "Go on from where it stands" in text
    assert "killed" in text and "takes it up" in text and f"--out {run} --resume" in text


@pytest.mark.parametrize(
    "owner, says",
    [
        ({"pid": os.getpid(), "started": started(os.getpid())}, "still going on"),
        ({"pid": os.getpid(), "started": 0}, "was interrupted"),  # another process has the number now
        ({"pid": 2**22 + 1, "started": 0}, "was interrupted"),
        ({"pid": os.getpid()}, "was interrupted"),
        ({"host": "another", "pid": 1, "started": None}, "still going on"),
    ],
)
def test_a_run_goes_on_while_the_process_that_began_it_lives(run, owner, says):
    (run / "results.json").unlink()
    (run / ".lock").write_text(json.dumps({"host": socket.gethostname()} | owner))
    assert says in words(parsed(one_page(run)))


def test_a_run_of_which_only_the_config_is_left(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    text = words(parsed(one_page(tmp_path)))
    assert "no curves" in text and "no model yet" in text and "0 of 3 epochs" in text
    assert "apps.evaluate" not in text and "apps.export" not in text  # there is nothing yet to be evaluated


def test_a_diverged_run_says_so_and_when(run):
    (run / "end.json").write_text(json.dumps({"state": "diverged", "reason": "loss not finite in epoch 4"}))
    command = ["python", "-m", "apps.train", "vae", "--out", "old", "--set", "rate=1", "--set", "learning_rate=0.5"]
    config = CONFIG | {"command": command, "hyperparameters": {"rate": 1.0, "learning_rate": 0.5}}
    (run / "config.json").write_text(json.dumps(config))
    text = words(parsed(one_page(run)))
    assert "This run diverged: loss not finite in epoch 4." in text and "Smaller steps help most often" in text
    again = "python -m apps.train vae --set rate=1 --set learning_rate=0.05 --out"
    assert f"Begin again, with smaller steps {again} {run}-smaller-steps" in text and "--resume" not in text


def test_a_run_that_was_stopped_says_why_and_that_is_no_alarm(run):
    (run / "end.json").write_text(json.dumps({"state": "stopped", "reason": "its budget of time was spent"}))
    tree = parsed(one_page(run))
    assert "This run was stopped: its budget of time was spent." in words(tree)
    assert not [node for node in tree.iter("p") if node.get("class") == "alarm"]


def test_damaged_files_are_named_and_the_rest_is_shown(run):
    (run / "evaluation.json").write_text("{")
    (run / "history.csv").write_text("epoch,loss\n1,abc\n")
    (run / "model.keras").write_bytes((run / "model.keras").read_bytes()[:500])
    (run / "end.json").write_text("[1]")
    text = words(parsed(one_page(run)))
    for name in ("evaluation.json", "history.csv", "model.keras"):
        assert f"{name} cannot be read" in text
    assert "end.json should hold names with values" in text and "apps.export" in text


def test_several_runs_lie_over_one_another(run, tmp_path):
    other = make_run(tmp_path / "other", seed=1)
    (other / "config.json").write_text(json.dumps(CONFIG | {"hyperparameters": {"rate": 1e-2, "why": EVIL}}))
    text = one_page(run, other)
    tree = parsed(text)
    differences = next(node for node in tree.iter("section") if node.get("id") == "differences")
    assert [cell.text for cell in differences.iter("td")] == ["0.001", "0.01"]
    assert "15.7 ± 1.2" in words(tree) and "16.7 ± 1.2" in words(tree)
    charts = json.loads(next(node for node in tree.iter("script") if node.get("id") == "curve-data").text)
    names = [series["name"] for series in charts[0]["series"]]
    assert names == ["run, train", "run, held out", "other, train", "other, held out"]


def test_curves_hold_the_values_and_not_finite_ones_are_gaps():
    rows = [{"epoch": 1, "loss": 2.0, "val_loss": 3.0}, {"epoch": 2, "loss": math.nan, "val_loss": math.inf}]
    charts = curves.of_histories({"run": rows})
    assert [series["x"] for series in charts[0]["series"]] == [[1, 2], [1, 2]]
    text = markup.data("x", charts)
    shown = json.loads(text[text.index(">") + 1 : text.rindex("</script>")])
    assert [series["y"] for series in shown[0]["series"]] == [[2.0, None], [3.0, None]]


def test_phases_are_lines_over_the_curves_and_called_by_name(run):
    table = (run / "history.csv").read_text().splitlines()
    numbers = ["phase", *(str(float(1 + (row > 0))) for row in range(len(table) - 1))]
    lines = [f"{line},{number}" for line, number in zip(table, numbers, strict=True)]
    (run / "history.csv").write_text("\n".join(lines) + "\n")
    (run / "config.json").write_text(json.dumps(CONFIG | {"phases": ["small", EVIL]}))
    tree = parsed(one_page(run))
    charts = json.loads(next(node for node in tree.iter("script") if node.get("id") == "curve-data").text)
    assert charts and all(chart["phases"] == [[1.5, 2]] and chart["title"] != "phase" for chart in charts)
    assert f"Dotted lines: where phases begin; 2 is {EVIL}." in words(tree)


def test_without_bokeh_a_sentence_and_the_table_stand_there(run, monkeypatch):
    monkeypatch.setattr(curves.importlib.util, "find_spec", lambda name: None)
    text = one_page(run)
    tree = parsed(text)
    assert "once bokeh is installed (the extra `report`)" in words(tree) and len(text) < 200_000
    assert not list(tree.iter("canvas")) and "metrics after every epoch" in words(tree)


def test_with_bokeh_its_script_lies_in_the_page(run):
    pytest.importorskip("bokeh")
    scripts = [node.text or "" for node in parsed(one_page(run)).iter("script")]
    assert any("Bokeh.Plotting.figure" in text for text in scripts) and max(map(len, scripts)) > 500_000


def test_pictures_beyond_the_budget_are_linked(run):
    record = report.read(run)
    size = (run / "pictures" / "loss_curves.png").stat().st_size
    text = "".join(pictures.section(record, budget=2 * size))
    assert text.count("<img") == 2 and 'href="pictures/samples_epoch_0001.png"' in text  # the last of a series first
    assert base64.b64encode((run / "pictures" / "samples_epoch_0003.png").read_bytes()).decode() in text


@pytest.mark.parametrize("place", ["", "sub/deep", ".."])
def test_links_to_pictures_lead_there_from_wherever_the_page_lies(tmp_path, monkeypatch, place):
    run = make_run(tmp_path / "ein Lauf, über 50%: #1")
    monkeypatch.setattr(pictures.section, "__defaults__", (0, None))
    page = run / place
    page.mkdir(parents=True, exist_ok=True)
    tree = parsed(report.page([report.read(run)], beside=page))
    links = [node.get("href") for node in tree.iter("a") if not node.get("href").startswith("#")]
    found = {Path(url2pathname(urlsplit(urljoin(f"{page.as_uri()}/", link)).path)) for link in links}
    assert found == set((run / "pictures").iterdir()) and len(found) == 3


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9])
def test_a_film_is_thinned_evenly(count):
    order = pictures._spread(count)
    assert sorted(order) == list(range(count))


def test_figures_with_and_without_errors():
    assert tables.figure({"a": 1437}, "a") == "1,437" and tables.figure({}, "a") == ""
    assert tables.figure({"a": 0.5, "a_standard_error": 0.0123}, "a") == "0.500 ± 0.012"
