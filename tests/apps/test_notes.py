"""The notes: what is measured is what its closed form says."""

import importlib

import pytest
from matplotlib.figure import Figure

from apps import cli
from apps.notes import __main__ as program

#: Note -> how far what is measured may be from its closed form: relatively, absolutely.
CLOSE = {"approximator": (1e-4, 1e-9), "convolutions": (0, 1e-12), "game": (1e-5, 1e-6)}
SAMPLED = {"dimensions": (0.02, 0.01), "activations": (0.05, 1e-8)}
LOOSE = {"discriminator": (0.05, 0.0)}  # fitted to samples


@pytest.mark.parametrize("name", program.NAMES)
def test_what_is_measured_is_the_closed_form(name):
    rows = importlib.import_module(f"apps.notes.{name}").measure()
    assert len(rows) > 10
    for row, (measured, closed) in rows.items():
        relative, absolute = LOOSE.get(row.split()[0]) or (CLOSE | SAMPLED)[name]
        assert measured == pytest.approx(closed, rel=relative, abs=absolute), row


def test_the_note_on_activations_has_all_of_them():
    from apps.notes.activations import DERIVATIVES
    from keras_dl import activations

    assert set(DERIVATIVES) == {"step", *activations.__all__} - {"Activation", "get"}


def test_a_note_is_shown_and_drawn(tmp_path, capsys):
    program.main(["dimensions", "--to", str(tmp_path / "a.png")])
    out = capsys.readouterr().out
    assert "The curse of dimensionality" in out and "half-length, 2 dimensions" in out and "0.707107" in out
    assert (tmp_path / "a.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", program.NAMES)
def test_every_picture_has_axes_with_titles(name):
    figure = Figure(figsize=(11, 4.2))
    importlib.import_module(f"apps.notes.{name}").draw(figure)
    assert len(figure.axes) >= 2 and all(panel.get_title() for panel in figure.axes)


def test_a_name_and_a_suffix_that_there_are_not():
    with pytest.raises(SystemExit):
        program.parser().parse(["games"])
    with pytest.raises(cli.UserError, match="ends in .png"):
        program.main(["game", "--to", "a.txt"])
