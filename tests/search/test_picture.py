"""Where the lines of trials cross the axes of a search's picture."""

import keras_tuner as kt
import pytest

from keras_dl.search import picture

HP = kt.HyperParameters()
HP.Choice("kind", ["a", "b"])
HP.Int("depth", 1, 3)
HP.Float("rate", 0.0, 1.0)
AXES = {parameter.name: picture.axis(parameter) for parameter in HP.space}


def heights(name, values):
    rows = [{"trial": number, "hyperparameters": {name: value}} for number, value in enumerate(values)]
    return [picture._height(AXES[name], name, row, rows) for row in rows]


@pytest.mark.parametrize(("name", "value"), [("kind", "b"), ("depth", 2), ("rate", 0.3)])
def test_a_line_alone_passes_through_its_tick(name, value):
    assert heights(name, [value]) == [pytest.approx(AXES[name].place(value))]


@pytest.mark.parametrize(("name", "values"), [("kind", ["a", "b", "a", "a"]), ("depth", [1, 2, 1, 1])])
def test_lines_through_one_choice_lie_side_by_side_around_its_tick(name, values):
    places = heights(name, values)
    alike = [places[0], places[2], places[3]]
    assert len(set(alike)) == 3 and sum(alike) / 3 == pytest.approx(AXES[name].place(values[0]))
    assert max(alike) - min(alike) < picture.SPREAD
    assert places[1] == pytest.approx(AXES[name].place(values[1]))


def test_a_trial_without_the_hyperparameter_passes_below():
    assert picture._height(AXES["kind"], "kind", {"trial": 0, "hyperparameters": {}}, []) == picture.ABSENT
