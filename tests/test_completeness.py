"""Public parts without a test of their kind: a new name in a room is to come with a case."""

import ast
import inspect
from pathlib import Path

import keras
import pytest

import keras_dl
from tests import test_configurable
from tests.models.test_contract import CASES

TESTS = Path(__file__).resolve().parent
# room -> what a test file uses that takes classes of the room through their contract; "": they have none in common
CONTRACTS = {
    "layers": "CASES",  # tests/layers/cases.py
    "losses": "check_loss",
    "bijectors": "check_bijector",
    "likelihoods": "check_likelihood",
    "networks": "check_network",
    "objectives": "",
    "metrics": "",
    "callbacks": "",
}
# Bases, priors, and what gives a part by its name.
NO_PARTS = {
    "layers": {"ConvCost"},  # what a function returns
    "losses": {"Loss"},
    "bijectors": {"AffineTransform", "Bijector", "Coupling", "MADE", "Transform"},
    "likelihoods": {
        *("Dequantized", "FixedMixture", "LogDensity", "LearnedNormal", "Likelihood", "MixturePrior", "NormalMixture"),
        *("Prior", "StandardNormal", "VampPrior", "get"),
    },
    "networks": {"Group", "TopDown", "conditions", "create", "load_stylegan2_weights", "transfer_weights"},
    "objectives": {"Adversarial", "Bound", "EnergyObjective", "GAMES", "GeneratorPenalty", "Penalty", "Schedule"},
    "metrics": {"RandScore"},  # what a function returns
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
    """The names in test files of a room that use a contract; without one, in any test file."""
    folder = TESTS / room if contract else TESTS
    used = [names_in(path) for path in folder.rglob("*.py") if path.name != Path(__file__).name]
    return set().union(*(names for names in used if not contract or contract in names))


@pytest.mark.parametrize("room", CONTRACTS)
def test_every_public_part_has_a_case(room):
    module = getattr(keras_dl, room)
    parts = set(module.__all__) - NO_PARTS.get(room, set())
    parts = {name for name in parts if getattr(module, name).__module__.startswith("keras_dl.")}
    others = set()
    if room in ("layers", "losses"):  # whose contracts are of classes of one base
        others = {name for name in parts if not is_layer_or_loss(getattr(module, name))}
    assert parts - others - names_used(room, CONTRACTS[room]) == set()
    assert others - names_used(room, "") == set()


def is_layer_or_loss(part):
    return inspect.isclass(part) and issubclass(part, (keras.layers.Layer, keras.losses.Loss))


def test_no_name_is_excused_that_is_not_there():
    for room, names in NO_PARTS.items():
        assert names <= set(getattr(keras_dl, room).__all__)


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
