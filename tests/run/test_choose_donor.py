"""Which visits the masks of another one are found again from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.core import vocabulary
from pipeline.core.transform import identity
from pipeline.core.volume import Volume
from pipeline.run.steps import choose_donor, read_visits
from pipeline.run.steps.visit_work import AlignedVisit, MaskedVisit, PlacedVisit, ScannedVisit
from pipeline.study.scans import ScanFile
from pipeline.study.visits import StudyVisit
from tests.refind.test_refinding import box

FINE, THICK = np.diag([1.0, 1.0, 1.0, 1.0]), np.diag([3.3, 0.8, 0.8, 1.0])


def scanned(name: str, year: int, affine: np.ndarray, contrast: str = "T2w") -> ScannedVisit:
    anchor = ScanFile(Path(name), f"{name}_{contrast}.nii.gz", "sub-01", name, contrast)
    visit = StudyVisit("sub-01", name, date(year, 1, 1), (anchor,), ())
    return ScannedVisit(visit, "usable", None, anchor, Volume(np.zeros((2, 2, 2)), affine), (), ())


def placed(read: ScannedVisit, masks: MaskedVisit) -> PlacedVisit:
    here = identity("reference", read.session_id)
    return PlacedVisit(read, masks, place=AlignedVisit(read.session_id, here, here, "", None))


def drawn_on(name: str, *compartments: str) -> MaskedVisit:
    """A visit whose reader drew these compartments; a name with a minus was drawn empty."""
    full, none = box((10, 10, 20), k=slice(8, 12)), box((10, 10, 20), k=slice(0, 0))
    masks = {vocabulary.Compartment(c.strip("-")): none if c.endswith("-") else full for c in compartments}
    return MaskedVisit(name, None, {"reader": masks}, source="reader") if masks else MaskedVisit(name, None, {})


def chosen(
    session: str, given: dict[str, tuple[str, ...]], thick: str = "", surgery: int | None = None, t1w: str = ""
) -> str | None:
    reads = [
        scanned(
            f"ses-{n}", 2010 + n, THICK if str(n) in thick else FINE, "T1w" if str(n) in t1w else "T2w"
        ) for n in (1, 2, 3, 4)
    ]  # fmt: skip
    visits = [placed(read, drawn_on(read.session_id, *given.get(read.session_id, ()))) for read in reads]
    treatments = [SimpleNamespace(kind="surgery", started_on=date(surgery, 6, 1))] if surgery else []
    visit = next(visit for visit in visits if visit.session_id == session)
    return " ".join(one.session_id for one in choose_donor.choose_donors(visit, visits, treatments)) or None


def offered(given: dict[int, tuple[str, ...]], corrected: dict[int, tuple[str, ...]]) -> dict[str, str | None]:
    """What each visit without masks of the study folder is found from, where people corrected some."""
    people = []
    for number in (1, 2, 3, 4):
        name = f"ses-{number}"
        drawn = drawn_on(name, *corrected.get(number, ())).primary
        masks = replace(drawn_on(name, *given.get(number, ())), drawn=drawn)
        people.append(placed(scanned(name, 2010 + number, FINE), masks))
    donors = choose_donor.donors(people, [])
    rest = [visit for number, visit in enumerate(people, start=1) if number not in given]
    by_visit = {visit.session_id: choose_donor.choose_donors(visit, donors, []) for visit in rest}
    return {name: chosen[0].session_id if chosen else None for name, chosen in by_visit.items()}


def test_later_visits_are_found_from_a_corrected_one_only_when_it_names_all_that_would_be_found_there() -> None:
    both = ("tumour", "cyst")
    assert offered({1: both}, {2: ("tumour",)}) == {"ses-2": "ses-1", "ses-3": "ses-1", "ses-4": "ses-1"}
    assert offered({1: both}, {2: both}) == {"ses-2": "ses-1", "ses-3": "ses-2", "ses-4": "ses-2"}
    assert offered({1: both}, {2: both, 3: ("cyst",)}) == {"ses-2": "ses-1", "ses-3": "ses-2", "ses-4": "ses-2"}


def test_a_visit_with_the_cord_alone_stands_behind_those_that_show_the_lesion() -> None:
    assert chosen("ses-3", {"ses-1": ("tumour",), "ses-2": ("cord",)}) == "ses-1"
    assert chosen("ses-1", {"ses-2": ("cord",), "ses-3": ("tumour",)}) == "ses-3"
    assert chosen("ses-2", {"ses-1": ("cord",), "ses-3": ("tumour",)}) == "ses-3", "an earlier cord says nothing of it"
    assert chosen("ses-3", {"ses-2": ("cord",)}) == "ses-2", "the cord itself is still carried over"


def test_a_corrected_visit_never_displaces_one_of_the_study_folder_for_the_visits_before_it() -> None:
    assert offered({4: T}, {2: T}) == {"ses-1": "ses-4", "ses-2": "ses-4", "ses-3": "ses-2"}
    assert offered({}, {2: T}) == {"ses-1": "ses-2", "ses-2": None, "ses-3": "ses-2", "ses-4": "ses-2"}
    assert offered({}, {2: T, 3: ("cyst",)})["ses-4"] == "ses-2", "what is added later takes nothing away"


def test_a_visit_with_much_thicker_or_thinner_slices_than_the_reference_is_named() -> None:
    visits = [scanned("ses-1", 2011, FINE), scanned("ses-2", 2012, THICK), scanned("ses-3", 2013, 1.4 * FINE)]
    (found,) = read_visits.protocol_changes(visits, visits[0])
    assert (found.code, found.severity, found.session_id) == ("protocol_changed", "note", "ses-2")
    assert "voxels of up to 3.3 mm, those of the reference visit ses-1 of up to 1.0 mm" in found.message
    assert [row.session_id for row in read_visits.protocol_changes(visits, visits[1])] == ["ses-1", "ses-3"]
    assert read_visits.protocol_changes(visits, None) == ()


T = ("tumour",)


@pytest.mark.parametrize(
    ("session", "given", "expected"),
    [
        ("ses-3", {"ses-1": T, "ses-2": T, "ses-4": T}, "ses-2 ses-1"),
        ("ses-1", {"ses-3": T, "ses-4": T}, "ses-3"),
        ("ses-2", {}, None),
    ],
)
def test_earlier_masks_are_taken_the_latest_first_else_the_earliest_later(session, given, expected) -> None:
    assert chosen(session, given) == expected


def test_masks_on_a_finer_scan_are_taken_before_later_ones_on_thick_slices() -> None:
    given = {"ses-1": T, "ses-2": T, "ses-3": T}
    assert chosen("ses-4", given, thick="23") == "ses-1"
    assert chosen("ses-4", given, thick="13") == "ses-2"
    assert chosen("ses-4", given, thick="123") == "ses-3 ses-2 ses-1"


def test_masks_of_the_same_contrast_are_taken_before_others() -> None:
    given = {"ses-1": T, "ses-2": T, "ses-3": T}
    assert chosen("ses-4", given, t1w="3") == "ses-2 ses-1"
    assert chosen("ses-4", given, t1w="3", thick="12") == "ses-2 ses-1", "a finer scan of another contrast is no help"
    assert chosen("ses-4", given, t1w="123") == "ses-3 ses-2 ses-1", "which is refused later on, in words"


@pytest.mark.parametrize(
    ("kind", "day", "expected"), [("surgery", 200, True), ("surgery", 900, False), ("steroid", 200, False)]
)
def test_surgery_between_the_visits_is_known(kind: str, day: int, expected: bool) -> None:
    first = date(2020, 1, 1)
    visits = [SimpleNamespace(acquired_on=first), SimpleNamespace(acquired_on=first + timedelta(days=365))]
    given = SimpleNamespace(kind=kind, started_on=first + timedelta(days=day))
    assert choose_donor.operated_between(*visits, [given]) is expected
    undated = SimpleNamespace(acquired_on=None)
    assert choose_donor.operated_between(undated, visits[0], [given]) is (kind == "surgery")


@pytest.mark.parametrize(
    ("kind", "day", "expected"),
    [
        ("radiotherapy", 200, True), ("radiotherapy", -900, True), ("radiotherapy", 365, False), ("unknown", 10, True),
        ("bevacizumab", 364, True), ("other", 1, True), ("surgery", 200, False), ("steroid", 200, False),
        ("drainage", 200, False),
    ],
)  # fmt: skip
def test_what_could_have_shrunk_a_tumour_before_a_visit_is_known(kind: str, day: int, expected: bool) -> None:
    first = date(2020, 1, 1)
    drawn, later = (SimpleNamespace(acquired_on=first + timedelta(days=days)) for days in (0, 365))
    given = [SimpleNamespace(kind=kind, started_on=first + timedelta(days=day))]
    assert choose_donor.treated_before(later, drawn, given) is expected
    assert not choose_donor.treated_before(later, drawn, [])
    assert not choose_donor.treated_before(drawn, later, given), "what is drawn later has no scar of a later treatment"
    undated = SimpleNamespace(acquired_on=None)
    assert choose_donor.treated_before(undated, drawn, given) is (kind not in choose_donor.SHRINK_NOTHING)


def test_a_finer_scan_is_not_taken_from_before_surgery_or_of_another_lesion() -> None:
    given = {"ses-1": T, "ses-2": T}
    assert chosen("ses-3", given, thick="2", surgery=2011) == "ses-2"
    assert chosen("ses-3", {"ses-1": T, "ses-2": ("tumour", "cyst")}, thick="2") == "ses-2"
    assert chosen("ses-3", {"ses-1": T, "ses-2": ("tumour-",)}, thick="2") == "ses-2", "what is gone is not found again"
