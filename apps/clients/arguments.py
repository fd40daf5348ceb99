"""Parts of both clients: their options, how inputs are read and how outputs are shown. Standard library only."""

import ipaddress
import json
import math
import urllib.parse
from pathlib import Path

from apps import cli, early, options

SHOWN = 6  # numbers of an output that are printed


def parser(name, description, examples, server):
    """A client's argument parser.

    Args:
        name: the module's name.
        description, examples: the texts of --help.
        server: the default address.
    """
    program = options.Parser(prog=f"python -m apps.clients.{name}", description=description, epilog=examples)
    program.add_argument("model", metavar="MODEL", help="the model's name: its folder's in saved_models/")
    program.add_argument("signature", metavar="SIGNATURE", nargs="?", help="what to call; without it all are listed")
    program.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an input, once for each: a number, a JSON list, or a .json file that holds one",
    )
    program.add_argument("--server", default=server, metavar="ADDRESS", help=f"where it is served (default: {server})")
    program.add_argument("--version", type=options.count, metavar="N", help="the version (default: the newest)")
    program.add_argument(
        "--timeout", type=options.count, default=60, metavar="SECONDS", help="how long to wait (default: 60)"
    )
    program.add_argument(
        "--out", metavar="FILE", help="write all outputs to FILE as JSON: a list for each name, null for NaN"
    )
    return program


def inputs(texts, read=None):
    """Reads `NAME=VALUE` texts into a dict of numbers and nested lists.

    Args:
        texts: the texts; a value is JSON, or names a file.
        read: dict from a file's suffix to a function that reads it, beside `.json`.

    Raises:
        UserError: if a text is none, or a value cannot be read.
    """
    readers = {".json": lambda path: json.loads(path.read_text(encoding="utf-8")), **(read or {})}
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise cli.UserError(f"--input expects NAME=VALUE, for instance num_samples=4; received {text!r}")
        path = Path(value)
        with cli.user_errors(ValueError, OSError, about=f"input {name}: cannot read {value!r}"):
            values[name] = readers[path.suffix](path) if path.suffix in readers else json.loads(value)
    return values


def is_here(server):
    """Whether an address is one of this machine, which proxies of the environment cannot reach."""
    for scheme in ("dns:", "ipv4:", "ipv6:"):
        server = server.removeprefix(scheme)
    try:
        host = urllib.parse.urlsplit(server if "//" in server else f"//{server}").hostname
        host = host or server.rpartition("/")[2].rpartition(":")[0]  # dns:///localhost:8500
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_names(names, signature, expected):
    """Refuses inputs of other names than a signature's."""
    missing, unknown = sorted(set(expected) - set(names)), sorted(set(names) - set(expected))
    if missing or unknown:
        received = ", ".join(sorted(names)) or "none"
        raise cli.UserError(f"{signature} takes the inputs {', '.join(sorted(expected))}; received {received}")


def find(signatures, name):
    """The signature of a name, or a message with those that there are."""
    if name not in signatures:
        raise cli.UserError(f"there is no signature {name!r}; there are: {', '.join(sorted(signatures))}")
    return signatures[name]


def show_signatures(signatures):
    """Prints signatures: dict from a name to `(inputs, outputs)`, each a dict from a name to `(dtype, shape)`."""
    for name, sides in sorted(signatures.items()):
        print(name)
        for word, tensors in zip(("takes", "gives"), sides, strict=True):
            for tensor, (dtype, shape) in sorted(tensors.items()):
                axes = "x".join(map(_size, shape))
                print(f"  {word}  {tensor}: {dtype} {axes or 'scalar'}")


def _size(size):
    return "?" if size < 0 else str(size)


def show_outputs(outputs, out=None):
    """Prints the shape and the first numbers of each output, nested lists by name, and writes them to `out`."""
    for name, value in sorted(outputs.items()):
        numbers = list(_flat(value))
        first = " ".join(map(_number, numbers[:SHOWN]))
        first += " ..." if len(numbers) > SHOWN else ""
        print(f"{name}: {'x'.join(map(str, _shape(value))) or 'scalar'}  {first}")
    if out:
        with cli.user_errors(OSError, about=f"cannot write {out}"):
            text = json.dumps(_as_json(outputs), allow_nan=False) + "\n"
            early.module("files").replace(out, lambda path: path.write_text(text, encoding="utf-8"))
        print(f"written: {out}")


def _number(value):
    """A value of an output, as it is printed: texts and nulls as they are."""
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def _as_json(value):
    """Outputs with null in the place of NaN and infinities, which JSON does not have, and bytes as texts."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _shape(value):
    if not isinstance(value, list):
        return []
    return [len(value), *(_shape(value[0]) if value else [])]


def _flat(value):
    if not isinstance(value, list):
        yield value
        return
    for item in value:
        yield from _flat(item)
