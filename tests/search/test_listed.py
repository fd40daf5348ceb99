"""Lists of what searches of the recipes try, written down so that they need no TensorFlow."""

import json

import pytest

from apps import catalogue
from apps.recipes.__main__ import searched


@pytest.mark.parametrize("name", catalogue.recipes())
@pytest.mark.grid("vae", "gan", "rbm", "lenet")
def test_what_a_search_of_a_recipe_tries_is_written_down(name):
    """`python -m apps.recipes` writes it, and `apps.tune --options` shows it."""
    assert json.loads(json.dumps(searched(name))) == catalogue.search_of(name)
