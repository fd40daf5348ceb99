"""Domains of different numbers of images: trained, validated and evaluated, and what is refused beside them."""

import numpy as np
import pytest

from tests.models.translation_builders import cycle_gan, images

A, B = images(6), images(4, seed=1)


@pytest.fixture(scope="module")
def model():
    model = cycle_gan()
    model.compile()
    return model


def test_domains_of_other_numbers_are_evaluated(model):
    """The smaller domain is gone through again: its first images are seen twice."""
    logs = model.evaluate(A, B, batch_size=3, verbose=0, return_dict=True)
    repeated = np.concatenate([B, B[:2]])
    assert logs == model.evaluate(A, repeated, batch_size=3, verbose=0, return_dict=True)


def test_validation_data_may_have_other_numbers(model):
    logs = model.fit(A[:2], B[:2], batch_size=2, validation_data=(A[:3], B[:2]), verbose=0).history
    evaluated = model.evaluate(A[:3], B[:2], verbose=0, return_dict=True)
    assert logs["val_generators_loss"] == pytest.approx([evaluated["generators_loss"]], rel=1e-5)


def test_a_pair_of_arrays_is_data_too(model):
    assert model.evaluate((A, B), verbose=0) == model.evaluate(A, B, verbose=0)


def test_without_shuffling_images_come_in_order(monkeypatch, model):
    seen = []
    monkeypatch.setattr("keras_dl.models.two_domains.unpaired", lambda *given: seen.append(given) or 1 / 0)
    for shuffle in (True, False):
        with pytest.raises(ZeroDivisionError):
            model.fit(A, B, shuffle=shuffle, verbose=0)
    assert [given[3] for given in seen] == [True, False]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sample_weight": np.ones(6)}, "images of both domains, \\(a, b\\), without weights"),
        ({"class_weight": {0: 1.0}}, "without weights"),
        ({"validation_data": (A, B, np.ones(6))}, "without weights"),
        ({"validation_split": 0.5}, "`validation_split` should be 0 for two domains"),
        ({"validation_data": (A, B[:, :4])}, "images of b should have shape"),
    ],
)
def test_what_two_domains_do_not_take_is_refused(model, options, said):
    with pytest.raises(ValueError, match=said):
        model.fit(A, B, verbose=0, **options)
    if "sample_weight" in options:
        with pytest.raises(ValueError, match=said):
            model.evaluate(A, B, verbose=0, **options)
