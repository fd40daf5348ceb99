"""Refusals that a contract expects."""

import contextlib
import re


@contextlib.contextmanager
def refuses(kind: type[Exception], pattern: str):
    """Passes if its block raises an exception of a kind with a message in which a regular expression matches."""
    try:
        yield
    except kind as error:
        assert re.search(pattern, str(error)), f"{kind.__name__} should say {pattern!r}. Received: {error}"
    else:
        raise AssertionError(f"should raise {kind.__name__} that says {pattern!r}. Received: no exception")
