"""Listeners of a search: who is told how far it is."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from keras_dl.tasks.measure import silent, untracked
from keras_dl.types import Say, Track


@contextlib.contextmanager
def no_bar(epochs: int, done: int) -> Iterator[list]:
    """Shows nothing while a trial trains."""
    yield []


def uninterrupted() -> None:
    """Goes on."""


@dataclasses.dataclass
class Listener:
    """Who is told how far a search is.

    Attributes:
        say: function that is told a line of text.
        note: function that is told a line that matters less, such as a warning.
        track: function `track(items, title)` that goes through items, and may show how far it is.
        bar: function `bar(epochs, done)` that returns a context manager, which gives the callbacks that show how far a
            trial is.
        check_interrupted: function that is called often, and raises what ends the search.
    """

    say: Say = silent
    note: Callable = silent
    track: Track = untracked
    bar: Callable = no_bar
    check_interrupted: Callable = uninterrupted
