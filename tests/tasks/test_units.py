"""What axes and tables say of numbers."""

import pytest

from keras_dl.tasks import units


@pytest.mark.parametrize("name", ["critic_loss", "val_generator_loss", "rate", "val_rate_2", "distortion"])
def test_one_side_of_a_game_and_one_term_of_a_bound_have_no_better_direction(name):
    assert "better" not in units.scale(name)


@pytest.mark.parametrize(("name", "which"), [("loss", "lower"), ("val_loss", "lower"), ("elbo", "higher")])
def test_a_whole_loss_has_a_better_direction(name, which):
    assert units.scale(name).endswith(f"{which} is better")


def test_a_search_says_the_direction_that_it_follows():
    assert units.scale("critic_loss", direction="min") == "lower is better"
    assert units.scale("rate", direction="max") == "nats, higher is better"
