"""Forms of the neuraxis and imported rows at the limit of what is placed and added. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.neuraxis_form import ITEMS, LEVELS
from pipeline.core.records import Finding, Patient, Treatment
from pipeline.core.vocabulary import ANY_DAY, Compartment
from pipeline.measure.imported_sizes import NO_VOLUME, UNSEEN, ImportedMeasure
from pipeline.study import (
    import_numbers,
    imported_table,
    neuraxis_table,
    treatment_days,
)
from pipeline.study.names import parse_name
from pipeline.study.own_numbers import GivenVisit, with_lesions
from pipeline.study.scans import ScanFile
from pipeline.study.study_tables import TableRow
from pipeline.study.visits import StudyVisit

DAY = date(2020, 3, 4)
AS_OF = date(2026, 1, 31)


def codes(findings: list[Finding]) -> list[str]:
    return [one.code for one in findings]


def scan(file_name: str, contrast: str = "T2w") -> ScanFile:
    name = parse_name(file_name)
    parts = name.entities if name else {}
    return ScanFile(
        Path("/nowhere") / file_name, file_name, "sub-01", "ses-01", contrast, parts.get("chunk"), parts.get("acq"),
        parts.get("run"),
    )  # fmt: skip


# Forms and imported rows ---------------------------------------------------------------------------------------------


VISITS = [StudyVisit("sub-01", f"ses-0{n}", day, (), ()) for n, day in ((1, DAY), (2, date(2021, 3, 4)), (3, DAY))]


def place(**cells: str) -> int | None:
    row = TableRow("neuraxis.tsv", 2, {"participant_id": "sub-01", **cells})
    return neuraxis_table._index(row, VISITS, date(2024, 1, 1), [])


def test_a_form_is_placed_by_session_or_by_a_day_that_one_visit_has() -> None:
    assert place(session_id="ses-02") == place(session_id="02") == place(date="2021-03-04") == 1
    assert place(date="2020-03-04") is None, "two visits of one day"
    assert place(date="2020-03-04", session_id="ses-03") == 2
    assert place(date="2021-03-04", session_id="ses-03") is None
    assert place(date="soon", session_id="ses-03") is None
    assert place() is None
    alone = neuraxis_table._index(TableRow("t", 2, {"participant_id": "sub-01"}), VISITS[:1], DAY, [])
    assert alone is None, "neither session nor day says which visit is meant, be there only one"


def form(**answers: str | None) -> Any:
    cells = {**dict.fromkeys(LEVELS, "yes"), **dict.fromkeys(ITEMS, "no"), "contrast": "gd", **answers}
    findings: list[Finding] = []
    return neuraxis_table.form_in(TableRow("t", 2, cells), findings), findings


def test_two_forms_that_differ_leave_an_item_not_evaluable_and_a_level_unknown() -> None:
    one, other = (
        form(brain="no", brain_nodules="yes", brain_linear=None, hydrocephalus=None, reader="A")[0],
        form(reader="B")[0],
    )
    findings: list[Finding] = []
    both = neuraxis_table._agreed(one, other, TableRow("t", 3, {}), findings)
    assert (both.brain, both.brain_nodules, both.cervical) == (None, "not evaluable", "yes")
    assert codes(findings) == ["neuraxis_differ"] * 2
    assert both.reader == "A, B"
    silent = neuraxis_table._agreed(form(brain=None, contrast=None)[0], other, TableRow("t", 3, {}), [])
    assert (silent.brain, silent.contrast, silent.reader) == ("yes", "yes", "B")


def test_columns_of_other_names_are_read_and_count_where_they_agree() -> None:
    whole, none_odd = form(brain=None, head="partly", cervical=None, spine="no")
    assert (whole.brain, whole.cervical, none_odd) == ("partly", "no", [])
    differing, odd = form(brain="yes", head="no")
    assert (differing.brain, codes(odd)) == (None, ["neuraxis_differ"])
    odd_word, odd = form(brain="blue")
    assert (odd_word.brain, codes(odd)) == (None, ["neuraxis_word"])


def given(*measures: ImportedMeasure, day: date = DAY, lesions: Any = None, **more: Any) -> GivenVisit:
    return GivenVisit(more.pop("patient_id", "sub-01"), day, measures, None, (2,), lesions=lesions or {}, **more)


def tumour(volume_mm3: float | None, **more: Any) -> ImportedMeasure:
    reason = more.pop("missing_reason", None if volume_mm3 is not None else NO_VOLUME)
    return ImportedMeasure(Compartment.TUMOUR, volume_mm3, missing_reason=reason, **more)


def test_lesions_of_earlier_visits_of_the_same_patient_are_not_gone() -> None:
    first, second, other = with_lesions([
        given(lesions={"L1": tumour(3.0), "L2": tumour(4.0)}), given(day=date(2021, 1, 1), lesions={"L1": tumour(5.0)}),
        given(patient_id="sub-02", lesions={"L1": tumour(9.0)}),
    ])  # fmt: skip
    assert first.measures[0].volume_mm3 == 7.0
    assert second.measures[0].volume_mm3 is None
    assert second.lesions["L2"].missing_reason == UNSEEN
    assert other.measures[0].volume_mm3 == 9.0
    (whole,) = with_lesions([given(tumour(8.0), lesions={"L1": tumour(3.0)})])
    assert [one.volume_mm3 for one in whole.measures] == [8.0], "a row gives the whole tumour"


@pytest.mark.parametrize(
    ("treatment", "first", "last"),
    [
        (Treatment("sub-01", DAY, "surgery", DAY), "2020-03-04", None),
        (Treatment("sub-01", DAY, "surgery", date(2020, 3, 5)), "2020-03-04", "2020-03-05"),
        (Treatment("sub-01", DAY, "steroid", DAY), "2020-03-04", "2020-03-04"),
        (Treatment("sub-01", date(2020, 3, 1), "steroid", started_by=date(2020, 3, 31)), "2020-03", None),
        (Treatment("sub-01", DAY, "steroid", started_at="09:30:00"), "2020-03-04T09:30:00", None),
        (Treatment("sub-01", ANY_DAY[0], "steroid", started_by=ANY_DAY[1]), "n/a", None),
    ],
)  # fmt: skip
def test_a_treatment_is_written_with_its_days_as_a_table_has_them(
    treatment: Treatment, first: str, last: str | None
) -> None:
    assert (treatment_days.first_written(treatment), treatment_days.last_written(treatment)) == (first, last)


def test_rows_that_stand_in_the_study_are_not_added_again(tmp_path: Path) -> None:
    findings: list[Finding] = []
    people = [Patient("sub-01", histology="ependymoma"), Patient("02")]
    assert import_numbers._add_patients(tmp_path, people, findings) == 2
    assert import_numbers._add_patients(tmp_path, [*people, Patient("sub-03", is_enhancing=False)], findings) == 1
    given_twice = [Treatment("sub-01", DAY, "surgery", DAY), Treatment("sub-01", DAY, "unknown", written="prayer")]
    assert import_numbers._add_treatments(tmp_path, given_twice, findings) == 2
    assert import_numbers._add_treatments(tmp_path, given_twice, findings) == 0
    assert "sub-01\t2020-03-04\tprayer" in (tmp_path / "treatments.tsv").read_text(encoding="utf-8")
    (tmp_path / "phenotype").mkdir()
    visit = given(tumour(3.0000004), acquired_at=time(9, 30))
    assert import_numbers._add_measures(tmp_path, [visit], "v.csv abc", AS_OF, findings) == 1
    assert import_numbers._add_measures(tmp_path, [visit], "other.csv def", AS_OF, findings) == 0
    assert findings == []
    changed = replace(visit, measures=(tumour(4.0),))
    assert import_numbers._add_measures(tmp_path, [changed], "v.csv abc", AS_OF, findings) == 0
    assert codes(findings) == ["imported_differs"]
    text = (tmp_path / imported_table.IMPORTED_TABLE).read_text(encoding="utf-8")
    assert "2020-03-04T09:30:00\ttumour\tn/a\t3.0\t" in text


def test_an_imported_day_stands_where_no_scan_was_made_and_names_itself() -> None:
    scanned = StudyVisit("sub-01", "ses-01", DAY, (scan("a_T2w.nii.gz"),), ())
    planned = StudyVisit("sub-01", "ses-02", date(2021, 1, 1), (), ())
    findings: list[Finding] = []
    merged = imported_table.with_imported(
        "sub-01", (scanned, planned),
        [
            given(tumour(3.0)), given(day=date(2021, 1, 1), acquired_at=time(8)),
            given(tumour(5.0), day=date(2022, 1, 1)),
        ],
        findings,
    )  # fmt: skip
    assert codes(findings) == ["imported_not_used"]
    assert [one.session_id for one in merged] == ["ses-01", "ses-02", "ses-imported20220101"]
    assert (merged[0].imported, merged[1].imported, merged[1].acquired_at) == ((), imported_table.NOTHING, time(8))
    again = imported_table.with_imported("sub-01", merged[2:], [given(tumour(5.0), day=date(2022, 1, 2))], findings)
    assert len(again) == 2
    taken = replace(planned, session_id="ses-imported20220101")
    other = imported_table.with_imported("sub-01", (taken,), [given(day=date(2022, 1, 1))], findings)
    assert other[-1].session_id.endswith("0101x")
