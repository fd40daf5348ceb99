"""Pictures of tasks: legends, errors and scores of overlays; units and directions of tables and axes."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from apps import show
from keras_dl import tasks
from keras_dl.data.segmentation import Case
from keras_dl.tasks import drawing, scan_drawing, units
from keras_dl.tasks.measure import Measure, Report

MASK = np.array([[0, 1, 1, 2, -100]])
PREDICTED = np.array([[1, 0, 1, 1, 1]])


def case(labels=MASK):
    return Case(np.zeros((1, 5, 1), "float32"), labels, (1.0, 1.0), "scan")


def test_errors_have_a_colour_per_kind():
    """Right pixels and those that count for nothing stay clear."""
    made_up, missed, right, wrong, ignored = scan_drawing.error_colours(MASK, PREDICTED)[0]
    for pixel, kind in ((made_up, "made up"), (missed, "missed"), (wrong, "wrong class")):
        np.testing.assert_allclose(pixel[:3], to_rgb(scan_drawing.ERRORS[kind]), atol=1e-6)
    assert right[3] == ignored[3] == 0


def test_a_legend_names_classes_and_errors():
    labels = [patch.get_label() for patch in scan_drawing.legend(3, with_masks=True)]
    assert labels[:2] == ["class 1", "class 2"] and [label.split(" (")[0] for label in labels[2:]] == list(
        scan_drawing.ERRORS
    )
    assert [patch.get_label() for patch in scan_drawing.legend(2, with_masks=False)] == ["class 1"]


def test_scores_are_those_of_the_whole_case():
    """Class 1: one hit, two in the mask, two predicted where pixels count and one more in place of class 2."""
    assert (
        scan_drawing.score_text(case(), PREDICTED, 3) == "mean Dice 0.200, whole case\nclass 1: 0.400, class 2: 0.000"
    )
    assert scan_drawing.score_text(case(None), PREDICTED, 3) == ""
    assert scan_drawing.score_text(case(np.zeros((1, 5), int)), np.zeros((1, 5), int), 2) == "no foreground"


@pytest.mark.parametrize("labels", [MASK, None])
def test_overlays_are_drawn(labels, tmp_path):
    scan_drawing.overlays(tmp_path / "overlays.png", [(case(labels), PREDICTED)], 3, "Cases")
    assert (tmp_path / "overlays.png").stat().st_size > 5000


def test_real_images_lie_beside_samples_of_their_class():
    x, y = np.arange(12.0), np.array([0, 1] * 6)
    np.testing.assert_array_equal(drawing.of_classes(x, y, 2), [0, 2, 4, 6, 1, 3, 5, 7])
    assert drawing.of_classes(x[:6], y[:6], 2) is None


def test_shares_are_shown_in_percent_and_written_as_they_are():
    measure = Measure(0.98765, 0.01, "max", unit="%")
    assert measure.text == "98.77 ± 1.00" and Report({"accuracy": measure}, 1, [], {}).results["accuracy"] == 0.98765


def test_a_table_says_units_and_which_way_is_better():
    """ELBO and loss are one row, and a segmenter's Dice of patches is named apart from that of whole cases."""
    with show.console.capture() as printed:
        show.metrics_table("", {"train": {"elbo": -3.0, "loss": 3.1}}, tasks.Density(latents=True))
        show.metrics_table("", {"train": {"dice": 0.5, "accuracy": 0.5}}, tasks.Segmentation(None))
        show.results_table("", {"value": {"width": "3"}})
    rows = [line.split("│")[1:-1] for line in printed.get().splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["elbo", "nats", "higher", "-3.0000"],
        ["dice of patches", "", "higher", "0.5000"],
        ["accuracy", "%", "higher", "50.00"],
        ["width", "3"],
    ]


def test_a_loss_of_its_own_is_shown():
    """Beside an estimate of the density the loss of a model without an ELBO says something else."""
    assert "loss" in units.without_repeats({"loss": 2.0, "log_prob": -1.9})
    assert "loss" not in units.without_repeats({"loss": 2.0, "log_prob": -2.0})
    assert "loss" in units.without_repeats({"loss": 2.0, "psnr": 30.0})


def test_curves_of_one_epoch_are_seen_and_called_what_they_are(tmp_path, monkeypatch):
    """A line through one point is no line; two Dice of a run have names of their own."""
    drawn = []
    monkeypatch.setattr(drawing, "finish_figure", lambda path, figure, title: drawn.append(figure))
    row = {"epoch": 1, "seconds": 1.0, "dice": 0.5, "val_dice": 0.4}
    for history in ([row], [row | {"epoch": epoch} for epoch in range(1, 40)]):
        drawing.loss_curves(tmp_path / "curves.png", history, titles=tasks.Segmentation.titles)
    (one,), (many,) = (figure.axes for figure in drawn)
    assert [line.get_marker() for line in one.lines] == ["o", "o"] and list(one.get_xticks()) == [1]
    assert {line.get_marker() for line in many.lines} == {"None"}
    assert one.get_title() == "dice of patches"


def test_curves_of_phases_have_the_epochs_that_they_have(tmp_path, monkeypatch):
    """A loss of a later phase has a panel of its own, where it begins; no epoch of it is 0."""
    drawn = []
    monkeypatch.setattr(drawing, "finish_figure", lambda path, figure, title: drawn.append(figure))
    rows = [{"epoch": 1, "phase": 1.0, "first": 2.0}, {"epoch": 2, "phase": 2.0, "second": 1.0, "val_second": 3.0}]
    drawing.loss_curves(tmp_path / "curves.png", rows, phases=[(1.5, 2)], note="2 is game.")
    (figure,) = drawn
    assert [panel.get_title() for panel in figure.axes] == ["first", "second"]
    of_second = [(list(line.get_xdata()), list(line.get_ydata())) for line in figure.axes[1].lines]
    np.testing.assert_equal(of_second, [([1, 2], [np.nan, 1.0]), ([1, 2], [np.nan, 3.0]), ([1.5, 1.5], [0, 1])])
    assert figure.get_supxlabel() == "2 is game."


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 5), (6, 3), (11, 4)])
def test_curves_of_many_metrics_take_several_rows(tmp_path, monkeypatch, count, columns):
    drawn = []
    monkeypatch.setattr(drawing, "finish_figure", lambda path, figure, title: drawn.append(figure))
    row = {"epoch": 1, **{f"term_{number}": float(number) for number in range(count)}}
    drawing.loss_curves(tmp_path / "curves.png", [row])
    (figure,) = drawn
    assert [panel.get_title() for panel in figure.axes] == list(row)[1:]
    assert figure.axes[0].get_gridspec().ncols == columns
