"""What a trial tells, as another process hears it: through JSON, step by step."""

import json

import pytest

from keras_dl.search import Listener
from keras_dl.search.relay import Hearing, telling


@pytest.mark.parametrize("sized", [True, False])
def test_what_goes_through_items_there_is_shown_here(sized):
    events = []

    def track(items, title):
        events.append((title, len(items) if sized else None))
        for number, item in enumerate(items):
            events.append(number)
            yield item
        events.append("shown")

    hearing = Hearing(Listener(events.append, track=track), lambda text: events.append(f"note: {text}"))
    told = telling(lambda message: hearing(json.loads(json.dumps(message))))
    items = ["a", "b", "c"] if sized else iter("abc")
    for item in told.track(items, "features"):
        events.append(item)
        told.say(item.upper())
    told.note("done")
    steps = [event for number, letter in enumerate("abc") for event in (number, letter, letter.upper())]
    assert events == [("features", 3 if sized else None), *steps, "shown", "note: done"]


def test_a_bar_is_asked_for_where_one_is_shown():
    for shows in (True, False):
        with telling(print, shows).bar(3, 0) as bars:
            assert len(bars) == shows
