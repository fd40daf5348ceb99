"""Pieces of HTML, in which every text is escaped."""

import html
import json
import math


class Markup(str):
    """A text that is HTML already."""


class Section(Markup):
    """A section of a page, as HTML.

    Attributes:
        anchor: what `#anchor` leads to.
        heading: the line above it.
    """

    anchor = heading = ""


#: Elements without content.
VOID = {"img", "input", "meta"}


def escaped(text):
    """Returns a text as HTML, and markup as it is.

    Example:

    >>> escaped("a < b")
    'a &lt; b'
    """
    return text if isinstance(text, Markup) else Markup(html.escape(str(text)))


def element(tag, *children, **attributes):
    """Returns an element.

    Args:
        tag: its name.
        *children: texts and markup.
        **attributes: their values by name, `class_` for `class` and `data_x` for `data-x`; one that is None is left
            out, and one that is True has no value.

    Example:

    >>> element("p", "1 < 2", class_="note")
    '<p class="note">1 &lt; 2</p>'
    """
    texts = [f"<{tag}"]
    for name, value in attributes.items():
        name = name.rstrip("_").replace("_", "-")
        if value is True:
            texts.append(f" {name}")
        elif value is not None:
            texts.append(f' {name}="{html.escape(str(value))}"')
    if tag in VOID:
        return Markup("".join([*texts, ">"]))
    return Markup("".join([*texts, ">", *map(escaped, children), f"</{tag}>"]))


def joined(parts):
    """Returns pieces of markup, one after another."""
    return Markup("\n".join(map(escaped, parts)))


def section(name, title, *children):
    """Returns a section under a heading, which `#name` leads to; nothing without children."""
    children = [child for child in children if child]
    if not children:
        return Markup()
    head = element("h2", title, id=f"{name}-title")
    whole = Section(element("section", head, *children, id=name, aria_labelledby=f"{name}-title"))
    whole.anchor, whole.heading = name, title
    return whole


def table(caption, header, rows, numeric=True):
    """Returns a table whose first column heads its rows.

    Args:
        caption: the line above it.
        header: texts of the columns' heads.
        rows: lists of texts or markup.
        numeric: whether all columns but the first hold numbers.
    """
    number = "number" if numeric else None
    head = [element("th", text, scope="col", class_=number if place else None) for place, text in enumerate(header)]
    lines = []
    for row in rows:
        cells = [element("td", text, class_=number) for text in row[1:]]
        lines.append(element("tr", element("th", row[0], scope="row"), *cells))
    body = [element("caption", caption), element("thead", element("tr", *head)), element("tbody", *lines)]
    # It can be scrolled on a phone, and by the keys once it has the focus.
    return element("div", element("table", *body), class_="scroll", tabindex="0", role="region", aria_label=caption)


def details(summary, *children):
    """Returns what is unfolded by a click or a key."""
    return element("details", element("summary", summary), *children)


def data(name, values):
    """Returns values for the page's script, JSON that no text can end early; NaN and infinities become null.

    Example:

    >>> data("curves", ["</script>", float("nan")])
    '<script type="application/json" id="curves">["\\\\u003c/script>", null]</script>'
    """
    text = json.dumps(_finite(values)).replace("<", "\\u003c")
    return Markup(f'<script type="application/json" id="{name}">{text}</script>')


def script(text):
    """Returns JavaScript as an element; `</script` in it, which only texts of it can hold, does not end it."""
    return Markup("<script>" + text.replace("</script", "<\\/script").replace("<!--", "<\\!--") + "</script>")


def number(value, digits=5):
    """Returns a number as a table shows it.

    Example:

    >>> number(1437), number(0.00012345678), number(None), number("lenet")
    ('1,437', '0.00012346', '', 'lenet')
    """
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def measured(value, error):
    """Returns a number and its standard error, both to the error's second digit.

    Example:

    >>> measured(21123.4, 1911.0), measured(0.026667, 0.0093), measured(3.0, 0.0)
    ('21,100 ± 1,900', '0.0267 ± 0.0093', '3 ± 0')
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{number(value)} ± {number(error, 2)}"
    places = 1 - math.floor(math.log10(float(f"{error:.1e}")))
    return " ± ".join(f"{round(part, places):,.{max(places, 0)}f}" for part in (value, error))


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
