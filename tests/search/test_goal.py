"""Goals of searches: what they leave alone."""

import pytest

from apps import catalogue
from keras_dl.search.goal import Goal


@pytest.mark.parametrize("recipe", ["anomaly", "super_resolution", "srgan"])
def test_no_search_chooses_its_problem(recipe):
    """Which class is anomalous, or how images are made small: the easiest problem would be the best trial."""
    task = catalogue.module(recipe).TASK
    assert task.problem and set(task.problem) <= set(catalogue.hyperparameters(recipe))
    for name in ("loss", "elbo"):
        assert set(task.problem) <= set(Goal.choose(name, [name], task).unsearched)
