"""A browser for the tests of a file."""

import pytest

from tests import browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser.Browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened
