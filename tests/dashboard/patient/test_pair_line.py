"""The line between two open visits names what it compares."""

from __future__ import annotations

import pytest

from dashboard.data import queries
from dashboard.patient.pair_line import pair_line
from pipeline.judge.between import between
from tests.judge.course_maker import course, visit


@pytest.mark.parametrize(("new_mm3", "is_named"), [(160.0, True), (None, False), (0.0, False)])
def test_all_tumour_is_named_where_a_part_of_it_is_new(
    new_mm3: float | None, is_named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = course(visit(0, 240.0), visit(400, 420.0, new_tumour_mm3=new_mm3))
    monkeypatch.setattr(queries, "derived", lambda *_: between(patient, "ses-0000", "ses-0400"))
    line = str(pair_line("sub-01", "ses-0000", "ses-0400"))
    assert ("all tumour, new included, " in line) == is_named
    assert "+75" in line
