"""Extent of resection, by surgeon and by scan, on series worked by hand. One second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.context.resection import ExtentOfResection, resections
from pipeline.core.vocabulary import MaskOrigin
from pipeline.judge import criteria_files
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

RULES = criteria_files.load("imsct_adapted_v1")


def only(before: float | None, residual: float | None, extent: str | None) -> ExtentOfResection:
    patient = course(visit(10, before), visit(102, 5000.0), visit(200, residual), treatments=(surgery(100, extent),))
    (found,) = resections(patient, RULES)
    return found


@pytest.mark.parametrize(
    ("before", "residual", "surgeon", "mri", "clash"),
    [
        (2000, 0, "GTR", "GTR", False),
        (2000, 99, "GTR", "NTR", False),  # below 0.1 mL a residual is not reliably quantifiable
        (2000, 100, "GTR", "NTR", True),
        (2000, 101, "NTR", "STR", False),
        (2000, 400, "STR", "STR", False),
        (2000, 401, "STR", "PR", False),  # one step apart: words differ from clinic to clinic
        (2000, 401, "NTR", "PR", True),
        (2000, 0, "STR", "GTR", True),
        (2000, 1900, "biopsy", "PR", False),
        (2000, 0, "biopsy", "GTR", True),
        (2000, 700, None, "PR", False),
    ],
)
def test_extent_on_mri_and_contradiction(
    before: float, residual: float, surgeon: str | None, mri: str, clash: bool
) -> None:
    found = only(before, residual, surgeon)
    assert (found.extent_surgeon, found.extent_mri, found.is_contradiction) == (surgeon, mri, clash)
    assert ("which the scans contradict" in found.reason) == clash


def test_the_sentence_names_scans_and_sizes() -> None:
    assert only(2000, 400, "GTR").reason == (
        f"80 % removed: 2.0 mL on {on(10)}, residual 0.40 mL on {on(200)} (STR on MRI); the surgeon reports GTR, "
        "which the scans contradict."
    )


def test_a_residual_no_smaller_than_before_is_no_negative_share() -> None:
    reason = only(400, 700, None).reason
    assert reason.startswith("No share removed can be seen, since the scan after surgery shows no less than the one")
    assert f"0.40 mL on {on(10)}, residual 0.70 mL on {on(200)} (PR on MRI)" in reason


def test_the_early_scan_is_never_the_residual() -> None:
    assert only(2000, 400, "STR").after == visit(200, 400)


def test_without_a_scan_late_enough_nothing_is_said_on_mri() -> None:
    patient = course(visit(10, 2000.0), visit(102, 300.0), treatments=(surgery(100, "GTR"),))
    (found,) = resections(patient, RULES)
    assert (found.extent_mri, found.after, found.is_contradiction) == (None, None, False)
    assert found.reason.startswith("Not known on MRI: no scan late enough")


def test_an_old_or_missing_scan_before_gives_no_percentage_but_still_a_contradiction() -> None:
    seen = visit(600, 500.0)
    for earlier in ((visit(10, 2000.0),), ()):
        (found,) = resections(course(*earlier, seen, treatments=(surgery(500, "GTR"),)), RULES)
        assert (found.extent_mri, found.before, found.is_contradiction) == (None, None, True)
        assert found.reason.startswith("Residual 0.50 mL")
    (clear,) = resections(course(visit(600, 0.0), treatments=(surgery(500, "STR"),)), RULES)
    assert (clear.extent_mri, clear.is_contradiction) == ("GTR", True)


def test_each_surgery_has_its_own_scans() -> None:
    patient = course(
        visit(10, 4000.0), visit(200, 1000.0), visit(700, 1500.0), visit(900, 0.0),
        treatments=(surgery(100, "PR"), surgery(800, "GTR")),
    )  # fmt: skip
    first, second = resections(patient, RULES)
    assert (first.before, first.after, first.extent_mri) == (visit(10, 4000.0), visit(200, 1000.0), "PR")
    assert (second.before, second.after, second.extent_mri) == (visit(700, 1500.0), visit(900, 0.0), "GTR")


def test_radiotherapy_before_the_first_late_scan_leaves_the_residual_unknown() -> None:
    patient = course(visit(10, 2000.0), visit(300, 300.0), treatments=(surgery(100, "STR"), radiotherapy(130, 170)))
    (found,) = resections(patient, RULES)
    assert found.after is None


def test_what_rests_on_an_unsigned_mask_is_provisional() -> None:
    unsigned = visit(200, 300.0, mask_origin=MaskOrigin.AUTOMATIC)
    patient = course(visit(10, 2000.0), unsigned, treatments=(surgery(100, "STR"),))
    assert resections(patient, RULES)[0].is_provisional
    signed = replace(patient, visits=(patient.visits[0], replace(unsigned, signed_off=True)))
    assert not resections(signed, RULES)[0].is_provisional
