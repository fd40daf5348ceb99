"""Relays of what a trial tells: from the process in which it runs to the listener of the search, as JSON holds it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import keras

from keras_dl.search.listener import Listener

#: Seconds between two steps that a bar hears of.
INTERVAL = 0.1


def telling(say: Callable, shows: bool = False) -> Listener:
    """A listener that says what it is told as messages.

    Args:
        say: function that is given the messages, dicts.
        shows: whether bars show how far a trial is.
    """

    @contextlib.contextmanager
    def bar(epochs, done):
        yield [Steps(say)] if shows else []

    def track(items, title):
        sized = hasattr(items, "__len__")
        say({"track": title, "length": len(items) if sized else None})
        for item in items:
            say({"step": title})
            yield item
        say({"tracked": title})

    return Listener(lambda text: say({"say": text}), lambda text: say({"note": text}), track, bar)


class Steps(keras.callbacks.Callback):
    """Says how far training is.

    Args:
        say: function that is given the messages, dicts.
    """

    acts_on_batches = False
    runs_last = True  # it counts epochs that are kept

    def __init__(self, say):
        super().__init__()
        self.say, self._told, self._due = say, 0.0, True

    def on_train_begin(self, logs=None):
        self.say({"call": "on_train_begin", "params": self.params})

    def on_train_batch_begin(self, batch, logs=None):
        self._due = time.monotonic() - self._told > INTERVAL
        if self._due:
            self._told = time.monotonic()
            self.say({"call": "on_train_batch_begin", "number": batch})

    def on_train_batch_end(self, batch, logs=None):
        if self._due:
            phase = self.model.phases.label(self.model.state.ran_in)
            self.say({"call": "on_train_batch_end", "number": batch, "phase": phase})

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.say({"call": "on_epoch_end", "number": epoch, "logs": logs})


class Hearing:
    """Tells a listener what was relayed.

    Args:
        listener: `Listener`.
        note: function that is told notes, instead of the listener's.
        bars: callbacks that show how far a trial is.
    """

    def __init__(self, listener: Listener, note: Callable, bars: Any = ()):
        self.listener, self.note, self.bars = listener, note, bars
        self._phase = ""
        self._tracks = []
        # What bars read of a model: the phase that its last step ran in.
        shown = SimpleNamespace(phases=SimpleNamespace(label=lambda _: self._phase), state=SimpleNamespace(ran_in=None))
        for bar in bars:
            bar.set_model(shown)

    def __call__(self, message: dict) -> None:
        """Passes on one message."""
        match message:
            case {"say": text}:
                self.listener.say(text)
            case {"note": text}:
                self.note(text)
            case {"track": title, "length": length}:
                items = _Items(length)
                self._tracks.append((items, iter(self.listener.track(items, title))))
            case {"step": _}:
                next(self._tracks[-1][1], None)
            case {"tracked": _}:
                items, shown = self._tracks.pop()
                items.over = True
                list(shown)
            case {"call": method}:
                self._call(method, message)

    def _call(self, method, message):
        self._phase = message.get("phase", self._phase)
        arguments = [message["number"]] if "number" in message else []
        for bar in self.bars:
            if "params" in message:
                bar.set_params(message["params"])
            getattr(bar, method)(*arguments, logs=message.get("logs"))


class _Items:
    """Stands for the items that another process goes through: one whenever it takes one."""

    def __init__(self, length):
        self.length, self.over = length, False

    def __len__(self):
        if self.length is None:
            raise TypeError("of unknown length")
        return self.length

    def __iter__(self) -> Iterator[None]:
        while not self.over:
            yield None
