"""Pictures of groups of latents over scales."""

import numpy as np

from keras_dl.tasks import Scales, scales
from tests.models.hierarchical_builders import X, nvae


def test_temperatures_scales_and_rates_are_drawn(tmp_path):
    model = nvae((1,))
    weights = model.get_weights()
    plain, again = scales.temperatures(model)
    assert plain.images.shape == again.images.shape == (4 * 8, 4, 4, 1) and plain.marks[-1] == "t = 1"
    np.testing.assert_allclose(plain.images[-8:], model.sample(8, seed=0), atol=1e-6)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    (block,) = scales.scales(model, X[:3])
    assert block.marks == ("original", "all groups", "4x4 anew, 1", "4x4 anew, 2") and block.images.shape[0] == 4 * 3
    np.testing.assert_array_equal(block.images[:3], X[:3])
    history = tmp_path / "history.csv"
    assert not scales.draw_rates(tmp_path / "rates.png", write(history, "epoch,loss\n1,2\n"), ["4x4"], "Rates")
    assert scales.draw_rates(tmp_path / "rates.png", write(history, "epoch,rate_1\n1,2\n2,3\n"), ["4x4"], "Rates")
    assert (tmp_path / "rates.png").stat().st_size > 5000 and Scales().latents


def test_the_rates_of_one_epoch_are_seen(tmp_path, monkeypatch):
    """An area over one epoch has no width: there they are bars, one upon the other."""
    drawn = []
    monkeypatch.setattr(scales.drawing, "finish_figure", lambda path, figure, title: drawn.append(figure.axes[0]))
    history = write(tmp_path / "history.csv", "epoch,rate_1,rate_2\n1,2,3\n")
    assert scales.draw_rates(tmp_path / "rates.png", history, ["4x4", "8x8"], "Rates")
    bars = [(bar.get_y(), bar.get_height()) for bar in drawn[0].patches]
    assert bars == [(0, 2), (2, 3)] and list(drawn[0].get_xticks()) == [1]


def test_scales_are_named_by_their_pixels():
    assert scales.scale_names(nvae((2, 1))) == ["2x2", "4x4", "4x4"]


def write(path, text):
    path.write_text(text)
    return path
