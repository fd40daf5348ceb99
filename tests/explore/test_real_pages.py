"""Pages that real runs leave, in headless Chromium: no fault, no question to others, on a phone and in the dark."""

import json
import threading

import pytest

from apps import compare, explore, train
from keras_dl import report
from keras_dl.explore import serving
from tests import browser
from tests.explore.pages import watched
from tests.explore.test_page import serious_faults

SMALL = [f"--set={text}" for text in ("network=conv", "filters=4", "hidden_units=16", "batch_size=256")]
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(browser.PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run of the recipe vae."""
    folder = tmp_path_factory.mktemp("runs") / "vae"
    train.main(["vae", "--out", str(folder), "--epochs", "2", "--seed", "0", *SMALL])
    return folder


def opened(page, address):
    """Opens a page that may not complain or ask anybody else, and looks for faults."""
    page.problems.clear()
    page.requests.clear()
    page.open(address)
    assert serious_faults(page) == {}
    assert page.problems == []
    assert all(place.startswith(("file:", "data:", "blob:")) for place in page.requests)


def test_the_report_of_a_run_and_those_of_a_killed_and_a_diverged_one(run, chromium):
    opened(chromium, (run / "report.html").as_uri())
    alarm = "document.querySelector('main > section:first-child .alarm')"
    assert chromium.evaluate(alarm) is None
    lines = (run / "history.csv").read_text().splitlines()
    for name, end in {"killed": None, "diverged": {"state": "diverged", "reason": "the loss was NaN"}}.items():
        other = run.parent / name
        (other / "pictures").mkdir(parents=True)
        (other / "config.json").write_text((run / "config.json").read_text())
        (other / "history.csv").write_text("\n".join(lines[:2]))
        if end:
            (other / "end.json").write_text(json.dumps(end))
        (other / "report.html").write_text(report.page([report.read(other)]))
        opened(chromium, (other / "report.html").as_uri())
        text = chromium.evaluate(f"{alarm}.textContent")
        assert "1 of 2 epochs are behind it" in text and ("diverged" in text) == (name == "diverged")
        chromium.look("phone")
        assert chromium.evaluate(f"{alarm}.getBoundingClientRect().bottom") < browser.SIZES["phone"][1]  # at the top


def test_the_page_of_a_run_is_written_and_served(run, chromium, tmp_path):
    pytest.importorskip("tf2onnx")
    explore.main([str(run), "--to", str(tmp_path / "page")])
    with serving(tmp_path / "page") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with watched(chromium, f"http://127.0.0.1:{server.server_port}/") as page:
            page.until("explorer.views.posterior.shown && explorer.views.latents.shown")
            assert page.evaluate("document.querySelectorAll('.examples button').length") == 12
        server.shutdown()


def test_the_report_of_a_comparison(chromium, tmp_path):
    out = tmp_path / "comparison"
    compare.main(["--dataset", "digits", "--budget", "5steps", "--num-samples", "40", "--out", str(out), "gan"])
    opened(chromium, (out / "report.html").as_uri())
