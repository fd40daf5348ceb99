"""A model card's Markdown as HTML: headings, lists, tables, code; all else is text."""

import re

from . import markup
from .markup import element


def shown(text):
    """Returns the Markdown of a card as HTML.

    Example:

    >>> shown("# vae\\n\\n- Seed: `0`")
    '<h3>vae</h3>\\n<ul><li>Seed: <code>0</code></li></ul>'
    """
    parts, lines = [], text.splitlines()
    while lines:
        kind = _kind(lines[0])
        block = [lines.pop(0)]
        if kind == "code":
            while lines and not lines[0].startswith("```"):
                block.append(lines.pop(0))
            lines[:1] = []
        while kind in ("list", "table", "text") and lines and _kind(lines[0]) == kind:
            block.append(lines.pop(0))
        parts.append(_block(kind, block))
    return markup.joined(part for part in parts if part)


def _kind(line):
    starts = {"```": "code", "#": "heading", "- ": "list", "|": "table", "![": "picture"}
    if not line.strip():
        return "blank"
    return next((kind for start, kind in starts.items() if line.startswith(start)), "text")


def _block(kind, lines):
    if kind == "code":
        return element("pre", element("code", "\n".join(lines[1:])), tabindex="0")
    if kind == "heading":
        return element("h3", *_inline(lines[0].lstrip("# ")))
    if kind == "list":
        return element("ul", *(element("li", *_inline(line[2:])) for line in lines))
    if kind == "table":
        return _table(lines)
    return element("p", *_inline(" ".join(lines))) if kind == "text" else markup.Markup()


def _table(lines):
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head, *rows = [row for row in cells if not all(re.fullmatch(r"[:\s-]*", cell) for cell in row) or row is cells[0]]
    rows = [[element("span", *_inline(cell)) for cell in row] for row in rows]
    return markup.table("", head, rows, numeric=False)


def _inline(text):
    """The pieces of a line, of which every second is code."""
    pieces = text.split("`")
    return [element("code", piece) if place % 2 else piece for place, piece in enumerate(pieces)]
