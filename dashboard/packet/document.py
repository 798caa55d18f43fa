"""A packet set as a PDF of A4 pages, and as a web page without any outside request."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import matplotlib as mpl
import typst

from dashboard.packet.content import CRITERIA_HEAD, LESIONS_HEAD, NUMBERS_HEAD, SOURCES_HEAD, Packet
from dashboard.words.markup import Html, image, join, table, tag

PAGE = Path(__file__).with_name("page.typ")
CELLS = Path(__file__).with_name("cells.typ")
"""What all templates share."""
STYLE = Path(__file__).with_name("packet.css")
FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
"""DejaVu Sans, which holds every symbol of the states and comes with matplotlib."""
CRITERIA_TITLE = "Criteria, each an adaptation: none is validated for intramedullary tumours"
LESIONS_TITLE = "Lesions, each by itself; the numbers above are of all tumour, the category of the total"
DESCRIPTION_TITLE = "What the MRI says"
DESCRIPTION_NOTE = "measured against this person's own cord; ? is not sure; nothing here decides a category"
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def pdf(packet: Packet) -> bytes:
    """Set the packet on A4 pages, nothing below 8 points; the same packet gives the same file."""
    drawings = {"timeline": packet.timeline, "slices": packet.slices}
    content = {name: value for name, value in asdict(packet).items() if name not in drawings} | {
        "has_timeline": bool(packet.timeline),
        "has_slices": bool(packet.slices),
        "numbers_head": NUMBERS_HEAD,
        "lesions_head": LESIONS_HEAD,
        "criteria_head": CRITERIA_HEAD,
        "sources_head": SOURCES_HEAD,
    }
    return typeset(PAGE, json.dumps(content), drawings)


def typeset(template: Path, content: str, drawings: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Set a template of this folder with what it says as JSON, and drawings as SVG by their names."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / template.name
        for source in (template, CELLS):
            (page.parent / source.name).write_bytes(source.read_bytes())
        for name, drawing in drawings.items():
            (page.parent / f"{name}.svg").write_text(drawing, encoding="utf-8")
        inputs = {"packet": content}
        pdf_bytes = typst.compile(
            str(page), None, root=folder, font_paths=[str(FONTS)], ignore_system_fonts=True, sys_inputs=inputs
        )
    return bytes(pdf_bytes or b"")


def html(packet: Packet) -> bytes:
    """Write the packet as one file for a browser: no script, and nothing that is fetched."""
    head = join(
        [
            Html('<meta charset="utf-8">'),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
            tag("title", f"{packet.patient_id} · cordtrack"),
            tag("style", Html(STYLE.read_text(encoding="utf-8"))),
        ]
    )
    badge = tag("span", f"{packet.symbol} {packet.word}", class_="badge", style=f"background:{packet.ink}")
    link = f" · This view: {packet.link}" if packet.link else ""
    parts = [
        tag("header", tag("h1", packet.patient_id, " ", tag("small", packet.facts)), _quiet(packet), badge),
        tag("p", packet.sentence, class_="sentence"),
        *(tag("p", tag("b", line)) for line in packet.acts),
        tag("p", packet.caveats, class_="grey"),
        *(tag("p", tag("span", f"{word}: ", class_="grey"), words) for word, words in packet.glance),
        _drawing("Course", packet.timeline, "Volumes over time; the numbers are in the table below"),
        _drawing("Scans", packet.slices, "Baseline, nadir and latest scan with outlines"),
        tag("p", packet.slices_note, class_="grey"),
        *_section("Numbers", NUMBERS_HEAD, packet.numbers, "numbers"),
        *_section(LESIONS_TITLE, LESIONS_HEAD, packet.lesions, "lesions"),
        *_section("Beside the verdict", ("", "followed and told, and never decides it"), packet.beside, "beside"),
        *_section(DESCRIPTION_TITLE, ("", DESCRIPTION_NOTE), packet.description, "beside"),
        *_section(CRITERIA_TITLE, CRITERIA_HEAD, packet.criteria),
        tag("h2", "Sign-off"),
        *(tag("p", line) for line in packet.sign_off),
        *_section("Where the numbers come from", SOURCES_HEAD, packet.sources, "sources"),
        tag("footer", tag("b", packet.notice), " · ", packet.provenance, link, f" · printed {packet.printed_on}"),
    ]  # fmt: skip
    page = tag("html", tag("head", head), tag("body", tag("main", *parts)), lang="en")
    return f"<!doctype html>\n{page}\n".encode()


def _quiet(packet: Packet) -> Html:
    return tag("span", "provisional" if packet.is_provisional else "", class_="grey")


def _drawing(title: str, svg: str, alt: str) -> Html:
    return join([tag("h2", title), image(svg, alt, class_="drawing")]) if svg else Html("")


def _section(
    title: str, head: tuple[str, ...], table_rows: tuple[tuple[str, ...], ...], class_: str = ""
) -> list[Html]:
    return [tag("h2", title), table(head, table_rows, class_)] if table_rows else []
