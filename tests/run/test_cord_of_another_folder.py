"""A folder that holds the cord alone is no reading of the lesion: its cord stands beside what was drawn. About 2 s."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.run.steps import measure_visits, use_drawings
from pipeline.run.steps.mask_visits import given_masks
from pipeline.run.steps.visit_work import Drawings, MaskedVisit, ScannedVisit, VisitWork
from tests.study_folder import AFFINE, T2W, only_visit, study_of, volume

NAME = "sub-01/ses-01/anat/sub-01_ses-01_label-{}_mask.nii.gz"
IMAGE = volume(np.arange(120, dtype=np.int16).reshape(6, 5, 4), AFFINE)
MANUAL = '{"GeneratedBy": [{"Name": "manual"}]}'


def box(first: int, last: int) -> np.ndarray:
    array = np.zeros((6, 5, 4), dtype=np.uint8)
    array[first:last, 1:4, 1:3] = 1
    return array


def masked(folder: Path, drawn: dict[str, dict[str, np.ndarray]], manual: tuple[str, ...]) -> MaskedVisit:
    """What is measured where each folder below derivatives draws some compartments."""
    return given_masks(read_visit(folder, drawn, manual))


def read_visit(folder: Path, drawn: dict[str, dict[str, np.ndarray]], manual: tuple[str, ...]) -> ScannedVisit:
    files: dict[str, object] = {T2W: IMAGE}
    for source, arrays in drawn.items():
        described = MANUAL if source in manual else '{"Name": "a program"}'
        files[f"derivatives/{source}/dataset_description.json"] = described
        files |= {f"derivatives/{source}/{NAME.format(name)}": volume(array) for name, array in arrays.items()}
    visit = only_visit(study_of(folder, files))  # type: ignore[arg-type]
    (anchor,) = visit.scans
    row = records.Scan("sub-01", "ses-01", anchor.relative, "T2w", is_anchor=True, sha256="0")
    return ScannedVisit(visit, "usable", None, anchor, IMAGE, (row,), ())


@pytest.mark.parametrize("cord_manual", [True, False])
def test_a_folder_of_cords_that_comes_first_takes_no_tumour_away(tmp_path: Path, cord_manual: bool) -> None:
    drawn = {"labels": {"cord": box(1, 5)}, "reader": {"tumour": box(2, 4)}}
    visit = masked(tmp_path, drawn, ("labels", "reader") if cord_manual else ("reader",))
    assert visit.source == "reader"
    assert visit.primary[Compartment.TUMOUR].array.sum() == 12
    assert visit.primary[Compartment.CORD].array.sum() == 24
    assert {(row.source, row.compartment, row.is_primary) for row in visit.rows} == {
        ("labels", "cord", True), ("reader", "tumour", True),
    }  # fmt: skip
    origin = MaskOrigin.MANUAL if cord_manual else MaskOrigin.AUTOMATIC
    assert (visit.origin_of(Compartment.CORD), visit.source_of(Compartment.CORD)) == (origin, "labels")
    assert (visit.origin_of(Compartment.TUMOUR), visit.source_of(Compartment.TUMOUR)) == (MaskOrigin.MANUAL, "reader")


def test_the_readers_own_cord_goes_first_and_the_other_is_a_repeat_read(tmp_path: Path) -> None:
    drawn = {"labels": {"cord": box(1, 5)}, "reader": {"tumour": box(2, 4), "cord": box(0, 6)}}
    visit = masked(tmp_path, drawn, ("labels", "reader"))
    assert visit.primary[Compartment.CORD].array.sum() == 36
    assert visit.source_of(Compartment.CORD) == "reader"
    assert [row.is_primary for row in visit.rows if row.source == "labels"] == [False]


def test_a_cord_alone_is_still_measured_and_two_readers_are_told_apart_by_name(tmp_path: Path) -> None:
    alone = masked(tmp_path / "a", {"labels": {"cord": box(1, 5)}}, ("labels",))
    assert set(alone.primary) == {Compartment.CORD}
    both = masked(tmp_path / "b", {"one": {"tumour": box(2, 4)}, "two": {"tumour": box(1, 4)}}, ("one", "two"))
    assert both.source == "one"
    assert both.primary[Compartment.TUMOUR].array.sum() == 12


def test_a_tumour_that_nobody_looked_for_beside_a_drawn_cord_says_so(tmp_path: Path) -> None:
    def why(name: str, drawn: dict[str, np.ndarray]) -> str | None:
        read = read_visit(tmp_path / name, {"labels": drawn}, ("labels",))
        (size,) = measure_visits.measure_visit(VisitWork(read, given_masks(read)), [Compartment.TUMOUR], None)
        return size.missing_reason

    assert "so the tumour of another visit was not looked for here" in str(why("a", {"cord": box(1, 5)}))
    both = {"cord": box(1, 5), "cyst": box(2, 4)}
    assert why("b", both) == "the reader's masks of this visit do not name tumour"


def test_a_cord_taken_out_is_out_wherever_it_comes_from(tmp_path: Path) -> None:
    drawn = {"labels": {"cord": box(1, 5)}, "reader": {"tumour": box(2, 4)}}
    visit = masked(tmp_path, drawn, ("labels", "reader")).without(frozenset({Compartment.CORD}))
    assert set(visit.primary) == {Compartment.TUMOUR}


def test_a_corrected_cord_takes_the_place_of_the_one_beside_even_where_the_drawing_is_gone(tmp_path: Path) -> None:
    read = read_visit(tmp_path, {"labels": {"cord": box(1, 5)}, "reader": {"tumour": box(2, 4)}}, ("labels", "reader"))
    corrected = SimpleNamespace(who="A", written_at=datetime(2024, 1, 2), replaces_sha256=None)  # noqa: DTZ001
    gone = Drawings({Compartment.CORD: corrected}, {}, {Compartment.CORD: "gone"})  # type: ignore[dict-item]
    masks = use_drawings.drawn_over(VisitWork(read, given_masks(read), drawings=gone)).masks
    assert set(masks.primary) == {Compartment.TUMOUR}, "nobody knows what the corrected cord was"
    assert masks.measured(Compartment.CORD) is None
