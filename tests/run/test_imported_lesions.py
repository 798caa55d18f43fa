"""Lesions that a table tells apart, followed by the table's own names, beside scans and without. A second."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipeline.core import records
from pipeline.core.vocabulary import Compartment
from pipeline.journal.lesion_acts import LesionNaming, LesionWithdrawal, NameAnswer
from pipeline.measure.imported_sizes import ImportedMeasure
from pipeline.run.steps.imported_lesions import lesions_of, table_visits, with_imported
from pipeline.run.steps.patient_work import FollowedLesions
from pipeline.run.steps.visit_work import NOTHING_DECIDED, ReadVisit, VisitWork
from pipeline.study.visits import StudyVisit

PATIENT = records.Patient("sub-01")


def of_table(year: int, **lesions: float | None) -> VisitWork:
    """Make a visit of the first of January whose table gives each lesion a volume, mm³; ``new`` names a new one."""
    measures = {
        name: ImportedMeasure(Compartment.TUMOUR, volume_mm3=size, missing_reason=None if size is not None else "why")
        for name, size in lesions.items()
    }
    visit = StudyVisit(
        "sub-01", f"ses-{year}", date(year, 1, 1), (), (), (ImportedMeasure(Compartment.TUMOUR, 1.0),),
        imported_lesions=measures,
    )  # fmt: skip
    return VisitWork(ReadVisit(visit, "usable", None, None, None, (), ()))


def marked(visit: VisitWork, name: str) -> VisitWork:
    """Return the visit with a lesion that its table calls new."""
    lesions = dict(visit.read.visit.imported_lesions)
    lesions[name] = replace(lesions[name], new_lesion=True)
    return replace(visit, read=replace(visit.read, visit=replace(visit.read.visit, imported_lesions=lesions)))


def followed(*visits: VisitWork, of_scans: FollowedLesions | None = None, **more: object) -> FollowedLesions:
    scans = of_scans or FollowedLesions()
    table = lesions_of(visits, "NF2", beside_scans=bool(scans.components))
    withdrawals: tuple[LesionWithdrawal, ...] = more.get("withdrawals", ())  # type: ignore[assignment]
    return with_imported(scans, table_visits(visits), table, withdrawals, PATIENT)


def test_each_lesion_keeps_the_name_and_size_of_the_table() -> None:
    lesions = followed(of_table(2020, Th5=500.0, C3=200.0), marked(of_table(2021, Th5=0.0, C3=None, T9=80.0), "T9"))
    rows = [(row.session_id, row.lesion_id, row.status, row.volume_mm3) for row in lesions.components]
    assert rows == [
        ("ses-2020", "Th5", "persistent", 500.0),
        ("ses-2020", "C3", "persistent", 200.0),
        ("ses-2021", "Th5", "resolved", 0.0),
        ("ses-2021", "C3", "not_assessable", None),
        ("ses-2021", "T9", "new", 80.0),
    ]
    assert lesions.new_tumours == {"T9"}
    assert lesions.new_tumour_mm3 == {"ses-2020": 0, "ses-2021": 80.0}


def test_an_excluded_visit_has_no_sizes_of_lesions() -> None:
    visit = replace(
        of_table(2020, Th5=500.0, C3=200.0), decided=replace(NOTHING_DECIDED, excluded={Compartment.TUMOUR: "blurred"})
    )
    lesions = followed(visit)
    assert {row.volume_mm3 for row in lesions.components} == {None}
    assert {row.missing_reason for row in lesions.components} == {"blurred"}


def test_a_withdrawn_lesion_withdraws_its_visit_once_no_new_one_is_left() -> None:
    later = of_table(2022, Th5=500.0, T9=85.0)
    visits = (of_table(2020, Th5=500.0), marked(of_table(2021, Th5=500.0, T9=80.0), "T9"), later)
    gone = LesionWithdrawal("ses-2021", "T9", None, date(2022, 1, 1), "withdrawn")
    lesions = followed(*visits, withdrawals=(gone,))
    assert lesions.withdrawn_lesions == {"T9": gone}
    assert lesions.withdrawn_visits == {"ses-2021": gone, "ses-2022": gone}


SCAN_ROW = records.LesionComponent("sub-01", "ses-2019", "Th5", 1, "persistent", 300.0, 0.0, 0.0, 0.0)


def test_lesions_of_scans_and_of_a_table_are_kept_apart() -> None:
    scan = VisitWork(
        ReadVisit(StudyVisit("sub-01", "ses-2022", date(2022, 1, 1), (), ()), "usable", None, None, None, (), ())
    )
    of_scans = FollowedLesions((SCAN_ROW, replace(SCAN_ROW, session_id="ses-2020", volume_mm3=None)))
    lesions = followed(of_table(2020, Th5=500.0, C3=200.0), scan, of_scans=of_scans)
    rows = [(row.session_id, row.lesion_id, row.volume_mm3) for row in lesions.components]
    assert rows == [
        ("ses-2019", "Th5", 300.0),
        ("ses-2020", "Th5", None),
        ("ses-2020", "Th5 (table)", 500.0),
        ("ses-2020", "C3 (table)", 200.0),
        ("ses-2022", "Th5 (table)", None),
        ("ses-2022", "C3 (table)", None),
    ]
    reasons = {row.missing_reason for row in lesions.components if row.volume_mm3 is None}
    assert reasons == {
        "its sizes come from a table, which does not say which lesion of the scans it means",
        "nobody says which lesion of this scan the table means",
    }


@pytest.mark.parametrize("syndrome", [None, "none"])
def test_a_tables_only_lesion_beside_scans_is_the_whole_tumour(syndrome: str | None) -> None:
    table = lesions_of([of_table(2020, Th5=500.0)], syndrome, beside_scans=True)
    assert table.by_session == {}


@pytest.mark.parametrize("beside_scans", [False, True])
@pytest.mark.parametrize("ending", ["", " (table)"])
def test_what_was_said_of_names_stands_when_scans_come_or_go(ending: str, beside_scans: bool) -> None:
    visits = [of_table(2020, L1=500.0, L2=300.0), of_table(2021, L1=300.0, L2=500.0)]
    (_, session_id) = (visit.session_id for visit in visits)
    exchanged = LesionNaming("e0", session_id, f"L1{ending}", f"L2{ending}", NameAnswer.EXCHANGED, "A on B: why")
    another = LesionNaming("e1", session_id, f"L1{ending}", f"L3{ending}", NameAnswer.ANOTHER, "A on B: why")
    table = lesions_of(visits, "NF2", [exchanged, another], beside_scans=beside_scans)
    assert table.said.in_effect == {"e0", "e1"}
    sizes = {name: one.volume_mm3 for name, one in table.by_session[session_id].items()}
    assert sizes == {
        f"{name}{' (table)' * beside_scans}": size for name, size in (("L1", None), ("L2", 300), ("L3", 500))
    }
