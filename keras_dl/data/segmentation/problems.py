"""Error messages about files, and several of them in one."""

_SHOWN = 5


def named(path):
    """Returns a file's name with its folder's, which tells images and labels of one name apart."""
    return "/".join(path.parts[-2:])


def listed(names):
    """Returns names in a row, the first few of many.

    Example:

    >>> listed(["a", "b"]), listed("abcdefgh")
    ('a, b', 'a, b, c, d, e and 3 more')
    """
    names = list(names)
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest


def reason(error):
    """Returns an exception as one line; what readers of files say may go on with advice."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


class Problems:
    """Collects the messages of `ValueError`s over many files, to raise them all at once."""

    def __init__(self):
        self.messages = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is not None and issubclass(kind, ValueError):
            self.messages.append(str(error))
            return True
        return False

    def check(self):
        """Raises a `ValueError` with the first messages, if there are any."""
        if self.messages:
            more = len(self.messages) - _SHOWN
            lines = [*self.messages[:_SHOWN], *([f"and {more} more problems"] if more > 0 else [])]
            raise ValueError("\n".join(lines))
