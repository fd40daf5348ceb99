"""Options of `fit` where arrays are solved at once: each counts, or is refused as in training by steps."""

import keras
import numpy as np
import pytest

from keras_dl import models

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
KINDS = pytest.mark.parametrize("kind", [models.PPCA, models.PCA, models.KMeans])


@KINDS
def test_a_share_of_the_rows_is_held_out(kind):
    split, first = (kind((3,), 2, seed=0) for _ in range(2))
    history = split.fit(X, validation_split=0.25, verbose=0).history
    assert history == first.fit(X[:30], validation_data=X[30:], verbose=0).history and "val_loss" in history


@KINDS
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"sample_weight": np.ones(40)}, "no weights. Received: 3 arrays"),
        ({"class_weight": {0: 1.0}}, "class_weight should come with labels"),
        ({"validation_split": 2}, "between 0 and 1"),
        ({"validation_data": (X, X)}, "no targets"),
        ({"validation_data": X[:, :2]}, "should have shape"),
        ({"epoch": 2}, "did you mean epochs"),
        ({"epochs": "2"}, "`epochs`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"callbacks": ["early"]}, "keras.callbacks.Callback"),
        ({"callbacks": keras.callbacks.EarlyStopping("val_los")}, "val_los"),
        ({"y": np.ones(40)}, "no targets"),
    ],
)
def test_options_that_cannot_count_are_refused(kind, options, match):
    model = kind((3,), 2, seed=0)
    with pytest.raises((TypeError, ValueError), match=match):
        model.fit(X, **options, verbose=0)


@KINDS
def test_arrays_may_come_as_a_tuple_of_one_and_dicts_are_refused(kind):
    one, plain = (kind((3,), 2, seed=0) for _ in range(2))
    assert one.fit((X,), verbose=0).history == plain.fit(X, verbose=0).history
    with pytest.raises(ValueError, match="a dict of 'x'"):
        plain.fit({"x": X}, verbose=0)
