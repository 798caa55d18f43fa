"""Every word, number and colour a page can show (well under a second)."""

import re
import tomllib

import plotly.graph_objects as go
import pytest

from dashboard.shell import dark
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.words import labels
from pipeline.core.vocabulary import Category, Compartment, DisplayState, MaskOrigin, State, TreatmentKind
from pipeline.judge import certainty
from tests.places import ROOT

THIN = labels.NARROW


@pytest.mark.parametrize(
    ("volume_mm3", "words"),
    [
        (1480.0, f"1.5{THIN}mL"),
        (999.0, f"1.0{THIN}mL"),
        (795.0, f"0.80{THIN}mL"),
        (23.4, f"0.023{THIN}mL"),
        (154_000.0, f"150{THIN}mL"),
        (0.0, "none seen"),
        (None, "not measured"),
        (float("nan"), "not measured"),
    ],
)
def test_volumes_are_in_ml_with_two_figures_and_missing_is_never_zero(volume_mm3, words):
    assert labels.ml(volume_mm3) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (87.4, f"+87{THIN}%"),
        (154.0, f"+150{THIN}%"),
        (0.3, f"0{THIN}%"),
        (-0.4, f"0{THIN}%"),
        (-12.6, f"−13{THIN}%"),
        (-99.9, f"−99{THIN}%"),
        (-100.0, f"−100{THIN}%"),
        (None, "not known"),
    ],
)
def test_changes_have_a_sign_and_only_what_is_gone_is_minus_100_percent(value, words):
    assert labels.percent(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.97, f"97{THIN}%"), (1.0, f"above 99{THIN}%"), (0.0, f"below 1{THIN}%"), (None, "not known")],
)
def test_a_probability_is_never_certain(value, words):
    assert labels.probability(value) == words


def test_intervals_are_empty_when_one_end_is_unknown():
    assert labels.ml_interval(1000.0, None) == ""
    assert labels.percent_interval(float("nan"), 12.0) == ""
    assert labels.percent_interval(-28.0, 188.0) == f"−28 to +190{THIN}%"


def test_every_state_category_origin_and_treatment_of_the_pipeline_has_its_words():
    assert set(labels.DISPLAY_STATES) == {*map(str, DisplayState), *certainty.FINER}
    assert set(labels.STATES) <= {str(state) for state in State}
    assert set(labels.TREATMENTS) == {str(kind) for kind in TreatmentKind}
    assert {str(origin) for origin in MaskOrigin} <= set(labels.MASK_ORIGINS)
    assert list(labels.COMPARTMENTS) == [str(name) for name in Compartment]
    assert set(labels.CATEGORIES) == {str(category) for category in Category}


def test_states_are_told_apart_without_colour():
    looks = labels.DISPLAY_STATES.values()
    assert len({look.word for look in looks}) == len({look.symbol for look in looks}) == len(looks)
    assert len({look.marker for look in looks}) == len(looks)


def test_states_and_compartments_never_share_a_colour():
    states = {look.colour for look in [*labels.DISPLAY_STATES.values(), *labels.STATES.values()]}
    assert not states & {look.colour for look in labels.COMPARTMENTS.values()}


def test_the_figures_and_the_scan_viewer_use_the_same_compartment_colours():
    assert dict(COMPARTMENT_COLOURS.values()) == {name: look.colour for name, look in labels.COMPARTMENTS.items()}


@pytest.mark.parametrize(
    ("state", "display_state", "word"),
    [
        ("progression", "growth", "growing"),
        ("recurrence", "growth", "recurrence"),
        ("baseline", "no_change", "baseline"),
        ("context", "not_evaluable", "before baseline"),
        (None, None, "not judged"),
    ],
)
def test_a_state_in_its_own_words_goes_before_the_size_of_the_change(state, display_state, word):
    assert labels.look(state, display_state).word == word


def luminance(colour):
    """Relative luminance by WCAG 2.1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    bright, faint = sorted((luminance(one), luminance(two)), reverse=True)
    return (bright + 0.05) / (faint + 0.05)


STYLE = (ROOT / "dashboard" / "style.css").read_text(encoding="utf-8")
LOOKS = (*labels.DISPLAY_STATES.values(), *labels.STATES.values(), *labels.SEVERITIES.values(), labels.NO_STATE)
WRITTEN = (
    {look.ink for look in (*LOOKS, *labels.COMPARTMENTS.values())}
    | {colour for _, colour in labels.TREATMENTS.values()}
    | {labels.INK, labels.GREY}
)
"""Every colour that words are written in."""


def variables(css):
    """The colours that a style sheet names, by name."""
    return dict(re.findall(r"--ct-([\w-]+): (#[0-9A-Fa-f]{6})", css))


@pytest.mark.parametrize("colour", sorted(WRITTEN))
def test_every_written_colour_has_wcag_aa_contrast_on_both_grounds(colour):
    assert contrast(colour, "#FFFFFF") >= 4.5
    assert contrast(dark.PARTNERS[colour], dark.GROUND) >= 4.5


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.word)
def test_white_words_on_the_colour_of_a_state_can_be_read(look):
    assert contrast("#FFFFFF", look.ink) >= 4.5


@pytest.mark.parametrize("css", [STYLE, dark.style()], ids=["light", "dark"])
def test_the_colours_of_the_style_sheet_can_be_read_on_its_ground(css):
    named = variables(css)
    assert set(named) == {"ink", "grey", "rule", "ground", "link", "on-link", "flag"}
    for word in ("ink", "grey", "link", "flag"):
        assert contrast(named[word], named["ground"]) >= 4.5, word
    assert contrast(named["on-link"], named["link"]) >= 4.5, "words on a filled button"


def test_the_style_sheet_writes_in_no_colour_of_its_own():
    rules = STYLE[STYLE.index("}") :]
    assert set(re.findall(r"(?<!-)color: ([^;]+);", rules)) <= {
        "#ffffff", "var(--ct-ink)", "var(--ct-grey)", "var(--ct-link)", "var(--ct-on-link)", "var(--ct-flag)",
    }  # fmt: skip


def test_the_theme_of_the_widgets_can_be_read():
    theme = tomllib.loads((ROOT / "dashboard" / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
    for ground in (theme["light"], theme["dark"]):
        for under in ("backgroundColor", "secondaryBackgroundColor"):
            assert contrast(ground["textColor"], ground[under]) >= 4.5
            assert contrast(ground["primaryColor"], ground[under]) >= 4.5


def test_every_drawn_colour_has_a_partner_on_the_dark_ground():
    looks = (*labels.DISPLAY_STATES.values(), *labels.STATES.values(), *labels.COMPARTMENTS.values())
    drawn = {look.colour for look in looks} | {colour for _, colour in labels.TREATMENTS.values()}
    assert drawn <= set(dark.PARTNERS)
    assert all(contrast(dark.PARTNERS[colour], dark.GROUND) >= 3 for colour in drawn)


def test_a_figure_is_turned_over_only_on_a_dark_ground(monkeypatch):
    fig = go.Figure(
        layout={"font": {"color": labels.INK}}, data=go.Scatter(x=[1], y=[2], line_color="rgba(178,24,43,0.12)")
    )
    assert dark.dressed(fig).layout.font.color == labels.INK
    monkeypatch.setattr(dark, "is_on", lambda: True)
    turned = dark.dressed(fig)
    assert turned.layout.font.color == dark.PARTNERS[labels.INK]
    assert turned.data[0].line.color == "rgba(242,122,114,0.12)"
    assert list(turned.data[0].x) == [1]
    assert not set(re.findall("#[0-9A-F]{6}", dark.style())) - {*dark.PARTNERS, *dark.PARTNERS.values()}


@pytest.mark.parametrize(
    ("category", "display_state", "symbol"),
    [("SD", "shrinkage", "●"), ("SD", "possible_shrinkage", "●"), ("PR", "shrinkage", "▼"), ("SD", "no_change", "●")],
)
def test_a_stable_verdict_never_looks_like_a_shrinkage(category, display_state, symbol):
    row = {"category": category, "state": "judged", "display_state": display_state, "clauses": None}
    look = labels.category_look(row)
    assert look.symbol == symbol
    assert (look.colour == labels.DISPLAY_STATES["shrinkage"].colour) == (symbol == "▼")
