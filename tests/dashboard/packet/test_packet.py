"""The packet: opened and read back as a PDF and as a web page (about 20 s)."""

import io
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pypdf
import pytest
from typer.testing import CliRunner

from dashboard import packet
from dashboard.packet import figures
from dashboard.shell import page as frame
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.panes import Pane
from dashboard.viewer.spots import Spot
from pipeline.cli import commands
from pipeline.core import records
from pipeline.store import publish
from tests.dashboard.pdf_print import smallest_print
from tests.factories import tiny_store

NARROW = "\u202f"
FOOT_POINTS = 65
"""Margin at the foot of the page: 23 mm."""
SMALLEST_POINTS = 8.0
DAY = date(2024, 2, 1)
VALUES = {name: value for value, (name, _) in COMPARTMENT_COLOURS.items()}


@pytest.fixture(scope="module")
def made(scans_out):
    patch = pytest.MonkeyPatch()
    patch.setenv("CORDTRACK_OUT", str(scans_out))
    yield packet.gather("sub-01", frame.study(), "http://127.0.0.1:8501/patient?patient=sub-01", DAY)
    patch.undo()


def read(content):
    """The text of a PDF with single plain spaces, and its pages."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(map(read_page, pages)), pages


def read_page(page):
    return re.sub(r"\s+", " ", page.extract_text())


def heights(page):
    """How high each piece of text stands on a page, points, by its words in the order of reading."""
    found = []

    def visit(text, cm, tm, *_):
        if text.strip():
            found.append((cm[1] * tm[4] + cm[3] * tm[5] + cm[5], text.strip()))

    page.extract_text(visitor_text=visit)
    return found


def height_of(page, words):
    return min(height for height, text in heights(page) if words in text)


def test_the_pdf_says_everything_on_a4_pages_that_are_read_at_arms_length(made):
    text, pages = read(packet.pdf(made))
    assert len(pages) == 2
    assert smallest_print(pages) >= SMALLEST_POINTS
    first = read_page(pages[0])
    for words in ("▲ growing", "Ses-05: progression", "1.4 (1.2 to 1.7)", "page 1 of 2", "printed 2024-02-01"):
        assert words in first, words
    assert "next scan due 2023-10-10, overdue on 2024-02-01" in first
    assert ("", "scan overdue") in made.beside, "the questions are those of the board on that day"
    assert "function modified McCormick III on 2023-04-10 (II on 2020-01-05)" in first
    assert "sub-01 · ▲ growing" in read_page(pages[1])
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [595, 842]
    for words in (
        "sub-01", "44 y · F · ependymoma", "▲ growing", "Ses-05: progression by imsct_adapted_v1",
            "tumour, all: lesion", "1.0 0.80",
        "1.4 (1.2 to 1.7)", "+75 %", "RANO 2.0, volume, 1", "▲ PD", "drawn by hand", "run-1", "imsct_adapted_v1 1",
        "Synthetic data", "Research use, not for treatment decisions", "accept mask (ses-05", "patient?patient=sub-01",
        "Adapted volume criteria, version 1", "scanner Measured otherwise than its baseline of 2020-04-10",
        "What the MRI says", "contrast agent Vivid enhancement (+62 %), none on 2020-04-10",
    ):  # fmt: skip
        assert words in text, words
    assert {image.name for image in pages[0].images}, "the scans are pictures on the page"


def test_a_long_state_presses_neither_the_name_nor_the_facts_into_a_column(made):
    word = "possible growth; new tumour elsewhere; clinically worse since 2023-08-15"
    _, pages = read(packet.pdf(replace(made, patient_id="sub-demo06", word=word)))
    lines = pages[0].extract_text().splitlines()
    assert any("sub-demo06" in line and "ependymoma" in line for line in lines), lines[:6]


@pytest.mark.parametrize("times", [4, 10, 16])
def test_much_text_beside_the_drawings_never_runs_into_the_foot(made, times):
    much = replace(made, criteria=tuple((name, verdict, 20 * "word " * times) for name, verdict, _ in made.criteria))
    _, pages = read(packet.pdf(much))
    assert smallest_print(pages) >= SMALLEST_POINTS
    for page in pages:
        among = [height for height, text in heights(page) if "word word" in text or "drawn by hand" in text]
        assert all(height > FOOT_POINTS for height in among)
    assert any("drawn by hand" in read_page(page) for page in pages)


def test_an_address_of_this_machine_alone_is_not_printed_as_if_it_led_somewhere(made):
    assert made.link == "/patient?patient=sub-01 on the pages of this study"
    assert packet.gather("sub-01", frame.study(), "https://board.example/patient?patient=sub-01").link.startswith(
        "https"
    )


def test_the_same_packet_gives_the_same_file(made):
    assert packet.pdf(made) == packet.pdf(made)


def test_the_web_page_says_the_same_and_asks_for_nothing(made):
    page = packet.html(made).decode()
    for words in ("Ses-05: progression", "▲ growing", f"+75{NARROW}%", "Synthetic data", "Research use", "run-1"):
        assert words in page, words
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert page.count("data:image/svg+xml;base64,") == 2


@pytest.mark.parametrize(
    ("patient", "expected"),
    [
        ("sub-02", ["◆ recurrence", "none seen", "awaits a confirming scan"]),
        ("sub-04", ["● baseline", "No aligned scan to show."]),
        ("sub-05", ["◌ not evaluable"]),
        ("sub-06", ["provisional", "automatic mask that nobody has signed"]),
        ("sub-07", ["◌ not evaluable", "No visit of this patient could be judged"]),
    ],
)
def test_odd_courses_have_a_packet_too(tiny, patient, expected):
    text, _ = read(packet.pdf(packet.gather(patient, frame.study())))
    for words in expected:
        assert words in text, words


def test_text_from_the_data_is_text_and_never_fills_page_after_page(tmp_path, monkeypatch):
    evil = "#panic() *x* $y$ <script>alert(1)</script> \u202egnorw" + "long " * 900
    rows = [
        replace(row, reason=evil)
        if isinstance(row, records.Assessment)
        else replace(row, level=evil)
        if isinstance(row, records.Patient)
        else row
        for row in tiny_store()
    ]
    publish.publish(tmp_path, rows)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    made = packet.gather("sub-01", frame.study())
    text, pages = read(packet.pdf(made))
    assert len(pages) <= 4
    assert smallest_print(pages) >= SMALLEST_POINTS
    assert "#panic() *x* $y$ <script>" in text
    assert "<script" not in packet.html(made).decode()


def test_a_reason_as_long_as_people_may_type_is_printed_to_its_last_word(tmp_path, monkeypatch):
    reason = "not sure of the margin " * 26 + "THE END"
    rows = [replace(row, reason=reason) if isinstance(row, records.Assessment) else row for row in tiny_store()]
    publish.publish(tmp_path, rows)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    text, _ = read(packet.pdf(packet.gather("sub-01", frame.study())))
    assert "THE END" in text
    assert "more letters" not in text


def test_a_scan_is_drawn_head_up_with_anterior_to_the_left(scans_out, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures.Axes, "imshow", lambda _, array, **settings: drawn.append((array, settings)))
    monkeypatch.setenv("CORDTRACK_OUT", str(scans_out))
    packet.gather("sub-01", frame.study())
    sagittal, axial = drawn[0], drawn[-1]
    assert sagittal[1]["origin"] == axial[1]["origin"] == "lower"
    assert sagittal[0].shape[0] > sagittal[0].shape[1] * 0.5
    left, right, bottom, top = axial[1]["extent"]
    assert (right - left) / axial[0].shape[1] == pytest.approx(3.3)
    assert (top - bottom) / axial[0].shape[0] == pytest.approx(0.7)


def test_a_slice_is_drawn_around_its_section_however_deep_the_box_is(monkeypatch):
    marked = np.zeros((9, 120, 60), np.uint8)
    marked[3:6, 25:33, 20:40] = VALUES["tumour"]
    marked[4, 85:95, 50:55] = VALUES["cyst"]  # the cord slants
    shown = []
    monkeypatch.setattr(figures, "_svg", lambda figure, **_: shown.extend(figure.axes) or "")
    figures.slices([Pane("2020-01-01", np.full_like(marked, 90), marked, (3.0, 1.0, 1.0))])
    sagittal, axial = shown
    assert np.ptp(sagittal.get_xlim()) == pytest.approx(2 * 24)
    assert np.ptp(axial.get_ylim()) == pytest.approx(2 * 18)
    assert axial.get_ylim()[0] < 26 < axial.get_ylim()[1], "its section is inside"


def test_new_signal_is_ringed_in_both_planes_where_it_lies(monkeypatch):
    image = np.full((9, 120, 60), 90, np.uint8)
    pane = Pane("2023-01-01", image, np.zeros_like(image), (3.0, 1.0, 1.0), (-12.0, 10.0, -30.0))
    there, beyond = Spot((-3.0, 40.0, -5.0), 4.0, ""), Spot((500.0, 0.0, 0.0), 4.0, "")
    shown = []
    monkeypatch.setattr(figures, "_svg", lambda figure, **_: shown.extend(figure.axes) or "")
    figures.slices([pane], [beyond, there])
    for axes in shown:
        dark, light = (ring for ring in axes.patches if ring.get_gid() == "ring")
        assert dark.center == light.center
        assert light.radius == pytest.approx(5.0)
        along = [
            limit - centre
            for pair, centre in zip((axes.get_xlim(), axes.get_ylim()), light.center, strict=True)
            for limit in pair
        ]
        assert min(map(abs, along)) > 5.0, "in the middle of what is shown"
    shown.clear()
    figures.slices([pane], [beyond])
    assert not any(axes.patches for axes in shown)


def test_the_command_writes_the_page_or_says_what_is_wrong(tiny, tmp_path):
    run = CliRunner()
    assert (
        run.invoke(commands.app, ["packet", str(tiny), "--patient", "01", "-o", str(tmp_path / "one.pdf")]).exit_code
        == 0
    )
    text, _ = read((tmp_path / "one.pdf").read_bytes())
    assert "▲ growing" in text
    assert (
        run.invoke(commands.app, ["packet", str(tiny), "--patient", "99", "-o", str(tmp_path / "x.pdf")]).exit_code == 2
    )
    assert (
        run.invoke(commands.app, ["packet", str(tiny), "--patient", "01", "-o", str(tmp_path / "x.doc")]).exit_code == 2
    )
    assert not list(tmp_path.glob("x.*"))
