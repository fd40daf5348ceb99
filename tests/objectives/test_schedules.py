import keras
import numpy as np
import pytest

from keras_dl.objectives import Cyclical, Linear, Sigmoid


def values(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_linear():
    np.testing.assert_allclose(values(Linear(10, 1.0, 3.0), [0, 5, 10, 99]), [1, 2, 3, 3])


def test_sigmoid():
    steps = np.arange(0, 200, 20)
    expected = 2 + 3 / (1 + np.exp(-8 * (steps / 100 - 0.5)))
    np.testing.assert_allclose(values(Sigmoid(100, 2.0, 5.0, steepness=8.0), steps), expected, rtol=1e-6)


def test_cyclical():
    schedule = Cyclical(10, ratio=0.2, cycles=2)
    expected = {0: 0, 1: 0.5, 2: 1, 9: 1, 10: 0, 11: 0.5, 19: 1, 20: 1, 21: 1}
    np.testing.assert_allclose(values(schedule, expected), list(expected.values()), rtol=1e-5)


@pytest.mark.parametrize("schedule", [Linear(7, 0.5), Sigmoid(7, steepness=3.0), Cyclical(7, ratio=0.3, cycles=4)])
def test_config_round_trip(schedule):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert type(again) is type(schedule)
    np.testing.assert_array_equal(values(again, range(40)), values(schedule, range(40)))


@pytest.mark.parametrize(
    "make", [lambda: Linear(0), lambda: Linear("a"), lambda: Linear(1, np.nan), lambda: Cyclical(3, ratio=0.0)]
)
def test_bad_arguments(make):
    with pytest.raises(ValueError, match="Received"):
        make()
