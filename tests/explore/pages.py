"""Pages of models for tests in a browser: written, served, opened."""

import contextlib
import threading

import numpy as np
import pytest

from keras_dl import explore

READY = "document.documentElement?.dataset.ready === 'true'"


def pixels(shape, count=3):
    """Images whose values are bytes, as files hold them."""
    return np.random.default_rng(0).integers(0, 256, (count, *shape)).astype("float32") / np.float32(255)


@contextlib.contextmanager
def served(exhibits, folder):
    """Writes pages and serves them; gives their addresses by name, and skips the test without the runtime.

    Args:
        exhibits: dict of `Exhibit`s by name.
        folder: where the pages go.
    """
    pytest.importorskip("tf2onnx")
    try:
        explore.fetch(explore.ONNX_RUNTIME)
    except OSError as error:
        pytest.skip(f"needs onnxruntime-web: {error}")
    with contextlib.ExitStack() as stack:
        addresses = {}
        for name, exhibit in exhibits.items():
            explore.write(folder / name, exhibit)
            server = stack.enter_context(explore.serving(folder / name))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            addresses[name] = f"http://127.0.0.1:{server.server_port}/"
        yield addresses


@contextlib.contextmanager
def watched(chromium, address):
    """A browser with a page open, which may not complain or ask anybody else."""
    chromium.problems.clear()
    chromium.requests.clear()
    chromium.look()
    chromium.open(address, READY)
    yield chromium
    assert chromium.problems == []
    assert [place for place in chromium.requests if not place.startswith((address, "data:", "blob:"))] == []


def seconds_to_interact(chromium, address, most=2.0):
    """The time from a page's address to the end of what its views compute first.

    Others may use the machine: the best of a few, the last of which is the first below `most`.
    """
    seconds = []
    while len(seconds) < 6 and min(seconds, default=most) >= most:
        with watched(chromium, address) as page:
            seconds.append(page.evaluate("performance.getEntriesByName('interactive')[0].startTime") / 1000)
    return min(seconds)


def shown(page, expression):
    """An array that a view holds."""
    return np.array(page.evaluate(f"Array.from(explorer.views.{expression})"))
