"""HTML in which text from the data can only ever be text.

Plain strings are escaped wherever they are put; only what these functions built counts as markup.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence


class Html(str):
    """Markup that was built here and is already safe."""

    __slots__ = ()


BREAK = Html("<br>")
"""A line break."""


def tag(name: str, *children: str, **attributes: str) -> Html:
    """Build one element; children that are plain strings are escaped, ``class_`` becomes ``class``.

    >>> tag("b", "a < b", class_="x")
    '<b class="x">a &lt; b</b>'
    """
    written = "".join(f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[str], between: str = "") -> Html:
    """Put pieces one after the other, escaping the plain ones."""
    return Html(html.escape(between).join(c if isinstance(c, Html) else html.escape(c) for c in children))


def image(svg: str, alt: str, **attributes: str) -> Html:
    """Show a drawing made by this program, with words for those who cannot see it."""
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    written = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return Html(f'<img src="{source}" alt="{html.escape(alt)}"{written}>')


def table(header: Sequence[str], rows: Iterable[Sequence[str]], class_: str = "ct-table") -> Html:
    """Build a table; the first column heads its row."""
    head = tag("tr", *(tag("th", cell, scope="col") for cell in header))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    return tag("table", tag("thead", head), tag("tbody", *body), class_=class_)


def as_label(text: str) -> str:
    r"""Escape text for a widget's label, which would be read as Markdown.

    >>> as_label("sub_*1*")
    'sub\\_\\*1\\*'
    """
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:-])", r"\\\1", text)
