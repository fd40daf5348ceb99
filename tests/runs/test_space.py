import copy
import itertools
import json
import pickle
from types import SimpleNamespace

import keras_tuner as kt
import pytest

from apps import catalogue
from keras_dl.data import DataSpec
from keras_dl.runs import Name, space


def toy_build(hp, data_spec):
    """A space in which what is asked depends on what was told."""
    if hp.Choice("network", ["mlp", "conv"]) == "conv":
        hp.Int("filters", 4, 64, step=4, default=8)
    return dict(hp.values)


TOY = SimpleNamespace(build=toy_build, fit_options=lambda hp: {"epochs": hp.Fixed("epochs", 10)})


def parameters():
    hp = kt.HyperParameters()
    hp.Int("size", 2, 64, default=16, sampling="log")
    hp.Int("even", 0, 10, step=2)
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Choice("kind", ["a", "b"])
    hp.Choice("number", [1, 2, 4])
    hp.Boolean("flag")
    hp.Fixed("epochs", 10)
    return {parameter.name: parameter for parameter in hp.space}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("size", "2", 2),
        ("size", 64, 64),
        ("even", "4", 4),
        ("rate", "1e-3", 1e-3),
        ("rate", "0.1", 0.1),
        ("kind", "b", "b"),
        ("number", "4", 4),
        ("flag", "true", True),
        ("flag", "No", False),
        ("epochs", "7", 7),
    ],
)
def test_parse_gives_a_value_of_the_hyperparameters_kind(name, text, value):
    found = space.parse(parameters()[name], text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("size", "1", "size takes a whole number from 2 to 64. Received: '1'"),
        ("size", "65", "Received: '65'"),
        ("size", "3.5", "Received: '3.5'"),
        ("size", "", "Received: ''"),
        ("even", "3", "in steps of 2"),
        ("rate", "0.2", "a number from 0.0001 to 0.1"),
        ("rate", "nan", "Received: 'nan'"),
        ("rate", "fast", "Received: 'fast'"),
        ("kind", "c", "one of a, b"),
        ("flag", "maybe", "true or false"),
        ("epochs", "0", "a whole number from 1"),
        ("epochs", "1.5", "a whole number from 1"),
    ],
)
def test_parse_refuses_what_is_outside_the_space(name, text, message):
    with pytest.raises(ValueError, match=message):
        space.parse(parameters()[name], text)


def test_build_asks_again_where_one_value_opens_others():
    model, options, values = space.build(TOY, None, {"filters": "16", "network": "conv", "epochs": 3}, seed=0)
    assert values == {"network": "conv", "filters": 16, "epochs": 3}
    assert model == {"network": "conv", "filters": 16, "epochs": 3} and options == {"epochs": 3}
    assert space.build(TOY, None, {}, seed=0)[2] == {"network": "mlp", "epochs": 10}


def test_the_model_is_built_once_whatever_is_set():
    calls = []

    def build(hp, data_spec):
        calls.append(dict(hp.values))
        return toy_build(hp, data_spec)

    recipe = SimpleNamespace(build=build, fit_options=TOY.fit_options)
    assert space.build(recipe, None, {"filters": "16", "network": "conv", "epochs": "3"}, seed=0)[2]["filters"] == 16
    assert len(calls) == 1


def test_names_keep_their_meaning_and_are_strings_elsewhere():
    hp = kt.HyperParameters()
    hp.Choice(Name("kind", "what it is"), ["a", "b"])
    hp.Choice("kind", ["a", "b"])
    copies = [hp, hp.copy(), copy.deepcopy(hp), kt.HyperParameters.from_config(json.loads(json.dumps(hp.get_config())))]
    assert [dict(one.values) for one in copies] == [{"kind": "a"}] * 4
    assert space.meaning(hp.space[0]) == space.meaning(copies[2].space[0]) == "what it is"
    assert pickle.loads(pickle.dumps(hp.space[0].name)).meaning == "what it is"


OF_POINTS = ("cnf", "flow2d", "score2d", "ebm2d")  # which refuse anything but points in the plane


@pytest.mark.parametrize("name", catalogue.recipes())
def test_every_hyperparameter_says_what_it_means_in_the_list(name):
    """`python -m apps.recipes` writes the list, which `apps.train --options` shows."""
    recipe = catalogue.module(name)
    as_they_are = recipe.DATASET == "digits" and recipe.TASK.condition in (None, "labels")
    spec = SPECS["digits"] if as_they_are else recipe.TASK.load(recipe.DATASET).spec
    rows = [list(row) for row in space.table(recipe, spec)]
    assert rows == catalogue.options_of(name)
    for hyperparameter, _, takes, meaning in rows:
        assert takes and len(meaning) > 5, hyperparameter


def test_build_refuses_names_that_the_space_does_not_have():
    with pytest.raises(ValueError, match="unknown hyperparameter 'netwrok'. Did you mean network?"):
        space.build(TOY, None, {"netwrok": "conv"}, seed=0)
    with pytest.raises(ValueError, match="unknown hyperparameter 'filters'. Values set here open .*others may"):
        space.build(TOY, None, {"filters": "16"}, seed=0)


SPECS = {
    "digits": DataSpec((8, 8, 1), 10, 1437, 17),
    "binarized_mnist": DataSpec((28, 28, 1), 10, 50_000, 2),
    "cifar10": DataSpec((32, 32, 3), 10, 50_000, 256),
}


OF_IMAGES = [name for name in catalogue.recipes() if catalogue.module(name).TASK.condition in (None, "labels")]
OF_IMAGES = [name for name in OF_IMAGES if name not in OF_POINTS]


@pytest.mark.grid(*map("-".join, zip(OF_IMAGES, itertools.cycle(SPECS))))  # each recipe once
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("name", OF_IMAGES)
def test_every_recipe_builds_for_every_kind_of_image(name, spec):
    recipe = catalogue.module(name)
    model, options, values = space.build(recipe, SPECS[spec], {}, seed=0)
    assert model.compiled and (model.optimizer is not None or not model.optimizer_names)
    assert options["epochs"] == values["epochs"]


@pytest.mark.parametrize(("recipe", "preset"), [(r, p) for r in catalogue.recipes() for p in catalogue.presets(r)])
def test_every_preset_lies_in_its_space(recipe, preset):
    values, recipe = catalogue.presets(recipe)[preset], catalogue.module(recipe)
    spec = SPECS.get(preset, SPECS["digits"])
    if recipe.TASK.condition in ("masks", "images"):
        spec = recipe.TASK.load(recipe.DATASET).spec
    found = space.build(recipe, spec, values, seed=0)[2]
    assert values.items() <= found.items()


@pytest.mark.parametrize("name", ["vae", "rbm", "lapgan", "siamese", "dcgan"])
def test_grey_images_without_channels_are_told_what_they_lack(name):
    with pytest.raises(ValueError, match=r"axis of channels, x\[..., None\]. Received: .*\(28, 28\)"):
        space.build(catalogue.module(name), DataSpec((28, 28), 10, 100, 256), {}, 0)


def test_the_seed_decides_the_weights():
    recipe = catalogue.module("vae")
    small = {"network": "mlp", "hidden_units": 16}
    weights = [space.build(recipe, SPECS["digits"], small, seed)[0].get_weights()[0] for seed in (1, 1, 2)]
    assert (weights[0] == weights[1]).all() and (weights[0] != weights[2]).any()


def test_a_fixed_text_says_which_values_it_takes():
    hp = kt.HyperParameters()
    hp.Fixed(Name("binarize", "how pixels are drawn", values=("none", "static")), "none")
    (parameter,) = hp.space
    assert space.describe(parameter) == "one of none, static" and space.meaning(parameter) == "how pixels are drawn"
    assert space.parse(parameter, "static") == "static"
    with pytest.raises(ValueError, match="binarize takes one of none, static. Received: 'sometimes'"):
        space.parse(parameter, "sometimes")


def test_a_recipe_without_epochs_says_what_to_write():
    def build(hp, data_spec):
        return None

    fixed = SimpleNamespace(build=build, fit_options=lambda hp: {"batch_size": 8, "epochs": 5})
    assert space.build(fixed, None, {}, seed=0)[1]["epochs"] == 5
    with pytest.raises(ValueError, match=r"hyperparameter `epochs`.*hp.Fixed\('epochs', 10\). Received: epochs='3'"):
        space.build(fixed, None, {"epochs": "3"}, seed=0)
    for options in ({"batch_size": 8}, {"epochs": 0}):
        recipe = SimpleNamespace(build=build, fit_options=lambda hp, options=options: options)
        with pytest.raises(ValueError, match="batch_size and epochs, a positive integer. Received: "):
            space.build(recipe, None, {}, seed=0)
    recipe = SimpleNamespace(build=build, fit_options=lambda hp: None)
    with pytest.raises(ValueError, match="`fit_options` should return a dict"):
        space.build(recipe, None, {}, seed=0)
