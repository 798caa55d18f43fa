"""What the scans say of a lesion, in words. Under a second."""

from dashboard.words import description_words as words
from pipeline.core.finding_terms import LesionFinding

NOTHING = {
    "value": None, "number": None, "unit": None, "sureness": None, "reason": None, "course": None,
    "change_reason": None, "compared_on": None, "value_before": None, "number_before": None,
}  # fmt: skip


def finding(name, value=None, number=None, unit=None, sureness="sure", **more):
    told = {"finding": name, "value": value, "number": number, "unit": unit, "sureness": sureness}
    return {**NOTHING, **told, **more}


def said(*rows):
    return {line.about: line for line in words.lines({row["finding"]: row for row in rows})}


def test_every_finding_has_a_name_and_a_line() -> None:
    in_lines = [name for _, names in words.LINES for name in names]
    assert sorted(in_lines) == sorted(LesionFinding)
    assert set(words.NAMES) == set(LesionFinding)
    assert len(words.LINES) <= 7


def test_a_line_has_each_number_and_marks_what_is_unsure() -> None:
    signal = said(
        finding("t2_signal", "hyperintense", 1.652, "ratio to cord"),
        finding("heterogeneity", "homogeneous", 0.02, "spread beyond cord / mean", "unsure"),
    )["signal"]
    assert signal.text == "Hyperintense on T2w (1.7 × cord); homogeneous?"


def test_what_changed_says_what_it_was_and_when() -> None:
    before = {"course": "changed", "compared_on": "2023-01-02", "value_before": "none", "number_before": 0.01}
    line = said(finding("enhancement", "vivid", 0.62, "rise / signal before", **before))["contrast agent"]
    assert line.text == "Vivid enhancement (+62\u202f%), none on 2023-01-02"
    same = {"course": "unchanged", "compared_on": "2023-01-02", "value_before": None, "number_before": 22.0}
    assert said(finding("length", None, 22.4, "mm", **same))["place"].text == "22 mm long; unchanged since 2023-01-02"


def test_each_absent_finding_says_so_of_itself_after_what_is_there_and_untold_ones_say_why() -> None:
    lines = said(
        finding("tumoral_cyst", "absent"),
        finding("syrinx", "absent", sureness="unsure"),
        finding("oedema_above", "absent", 0.0, "mm"),
        finding("polar_cyst_above", "present", 12.2, "mm long"),
        finding("adc", sureness=None, reason="no ADC map at this visit"),
    )
    assert (
        lines["cysts, oedema"].text
        == "Polar cyst above (12 mm); no tumoral cyst; no syrinx?; no oedema above the tumour"
    )
    assert (lines["diffusion"].text, lines["diffusion"].is_told) == ("no ADC map at this visit", False)


def test_a_cord_held_against_other_people_says_so_in_line_and_table() -> None:
    of_people = finding("expansion", "expanded", 1.6, "section / healthy people's median")
    assert said(of_people)["cord"].text == "Cord expanded (+60\u202f% beside healthy people's median)"
    assert "beside healthy people's median" in words.short(of_people)
    assert "people" not in words.short({**of_people, "unit": "section / cord beside it"})
