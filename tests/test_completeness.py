"""Public parts without a test of their kind: a new name in a room is to come with a case."""

import ast
from pathlib import Path

import pytest

import keras_dl
from tests import test_configurable
from tests.models.test_contract import CASES

TESTS = Path(__file__).resolve().parent
CONTRACTS = {  # room -> the check that its parts go through; "" for rooms whose parts have no shape in common
    "layers": "check_layer",
    "losses": "check_loss",
    "likelihoods": "check_likelihood",
    "networks": "check_network",
    "objectives": "",
    "metrics": "",
    "callbacks": "",
}
# Names that are no parts: bases, registries, and what gives a part by its name.
NO_PARTS = {
    "layers": {"register"},
    "losses": {"Loss"},
    "likelihoods": {"Likelihood", "StandardNormal", "get"},
    "networks": {"create", "names", "get", "register"},
    "objectives": {"Adversarial", "Bound", "GeneratorPenalty", "Penalty", "Schedule"},
    "metrics": set(),
    "callbacks": set(),
}


def names_in(path):
    """Every name and attribute that a file uses, and its short strings: a case may name its part."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            names.add(node.value)
    return names


def names_used(room, contract):
    """The names used in test files of a room: in those that use its contract, if it has one."""
    files = [*TESTS.glob(f"{room}/**/*.py"), *TESTS.glob(f"test_{room}*.py")]
    used = [names_in(path) for path in files]
    return set().union(*(names for names in used if not contract or contract in names))


@pytest.mark.parametrize("room", CONTRACTS)
def test_every_public_part_has_a_case(room):
    names = set(getattr(keras_dl, room).__all__) - NO_PARTS[room]
    assert names - names_used(room, CONTRACTS[room]) == set()


@pytest.mark.parametrize("room", CONTRACTS)
def test_no_name_is_excused_that_is_not_there(room):
    assert NO_PARTS[room] <= set(getattr(keras_dl, room).__all__)


def test_every_model_goes_through_the_contract():
    kinds = [getattr(keras_dl.models, name) for name in keras_dl.models.__all__]
    families = {kind.__name__ for kind in kinds if issubclass(kind, keras_dl.models.ObjectiveModel)}
    assert families - {"ObjectiveModel"} == set(CASES)


def test_the_reader_misses_an_unused_name(tmp_path):
    (tmp_path / "part.py").write_text("check_layer(layers.Used, 'named', [a.b for a in c])\n")
    assert {"Used", "named", "b"} <= names_in(tmp_path / "part.py")
    assert "Unused" not in names_in(tmp_path / "part.py")


def test_every_configurable_has_a_case():
    test_configurable.test_every_public_class_has_a_case()
