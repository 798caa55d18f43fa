"""HTML in which text from the data can only ever be text.

Plain strings are escaped wherever they are put; only what these functions built counts as markup.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence

TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Invisible characters that turn the direction of everything after them, also of words that are not theirs."""


DAY = re.compile(r"(?<![\d-])\d{4}-\d{2}-\d{2}(?![\d-])")


class Html(str):
    """Markup that was built here and is already safe."""

    __slots__ = ()


BREAK = Html("<br>")
"""A line break."""

LONGEST = 1200
"""Letters of a text from the data that a printed page takes: more than any reason or note that people type here."""


def tag(name: str, *children: str, **attributes: str) -> Html:
    """Build one element; children that are plain strings are escaped, ``class_`` becomes ``class``.

    >>> tag("b", "a < b", class_="x")
    '<b class="x">a &lt; b</b>'
    """
    written = "".join(f' {key.rstrip("_")}="{_escaped(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[str], between: str = "") -> Html:
    """Put pieces one after the other, escaping the plain ones; a day in them is never broken over two lines."""
    return Html(_escaped(between).join(c if isinstance(c, Html) else _unbroken(_escaped(c)) for c in children))


def straight(text: str) -> str:
    r"""Put a visible sign in place of each character that would turn the direction of the words after it.

    >>> straight("\u202egnorw")
    '�gnorw'
    """
    return TURNING.sub("\ufffd", text)


def short(text: str, most: int = LONGEST) -> str:
    """Cut a text that would fill pages after a word, and say so; keep its direction from turning what follows.

    >>> short("no longer than it may be")
    'no longer than it may be'
    >>> short("seen again at the margin", 18)
    'seen again at the … (7 more letters on the pages of this study)'
    """
    text = straight(text)
    if len(text) <= most:
        return text
    start = text[:most].rpartition(" ")[0] or text[:most]
    return f"{start} … ({len(text) - len(start)} more letters on the pages of this study)"


def _unbroken(escaped: str) -> str:
    """Keep each day whole: a browser may end a line at its hyphens, and a hyphen of another kind could not be found."""
    return DAY.sub(r'<span class="ct-day">\g<0></span>', escaped)


def _escaped(text: str) -> str:
    return html.escape(straight(text))


def image(svg: str, alt: str, **attributes: str) -> Html:
    """Show a drawing made by this program, with words for those who cannot see it."""
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    written = "".join(f' {key}="{_escaped(value)}"' for key, value in attributes.items())
    return Html(f'<img src="{source}" alt="{_escaped(alt)}"{written}>')


def table(header: Sequence[str], cell_rows: Iterable[Sequence[str]], class_: str = "ct-table") -> Html:
    """Build a table; the first column heads its row."""
    head = tag("tr", *(tag("th", cell, scope="col") for cell in header))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in cell_rows]
    return tag("table", tag("thead", head), tag("tbody", *body), class_=class_)


def as_label(text: str) -> str:
    r"""Escape text for a widget's label, which would be read as Markdown.

    >>> as_label("sub_*1*")
    'sub\\_\\*1\\*'
    """
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:-])", r"\\\1", straight(text))
