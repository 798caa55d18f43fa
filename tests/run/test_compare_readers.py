"""Readers of one scan who do not agree: no size where one sees nothing, a word where sizes lie far apart."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.files import images
from pipeline.run.steps import mask_visits, measure_visits, read_visits
from pipeline.run.steps.visit_work import VisitDecisions, VisitWork
from tests.study_folder import T2W, only_visit, study_of

SIGNAL = np.random.default_rng(4).normal(100.0, 9.0, (24, 24, 12)).astype(np.float32)
SCAN = Volume(SIGNAL, np.diag([1.0, 1.0, 3.0, 1.0]))
MANUAL = '{"GeneratedBy": [{"Name": "manual"}]}'


def drawn(edge: int) -> Volume:
    """A box of ``edge`` x ``edge`` x 4 voxels away from the edges of the scan."""
    array = np.zeros(SCAN.shape, dtype=np.uint8)
    array[6 : 6 + edge, 6 : 6 + edge, 4:8] = 1
    return SCAN.with_array(array)


def read_by(folder: Path, readers: Mapping[str, int], maker: str = MANUAL) -> VisitWork:
    """The visit with the tumour as each reader drew it, by the width of the outline; 0 is an empty mask."""
    masks = {
        f"derivatives/{name}/sub-01/ses-01/anat/sub-01_ses-01_label-tumour_mask.nii.gz": drawn(edge)
        for name, edge in readers.items()
    }
    makers = {f"derivatives/{name}/dataset_description.json": maker for name in readers}
    read = read_visits.read_visit(only_visit(study_of(folder, {T2W: SCAN, **masks, **makers})))
    return VisitWork(read, mask_visits.given_masks(read))


def tumour_of(visit: VisitWork) -> records.Measurement:
    """Return the size of solid tumour as it is measured."""
    (row,) = measure_visits.measure_visit(visit, [Compartment.TUMOUR], None)
    return row


def codes_of(visit: VisitWork) -> list[str]:
    """Return the findings about the masks."""
    return [one.code for one in visit.masks.findings]


@pytest.mark.parametrize("readers", [{"anna": 0, "bert": 8}, {"anna": 8, "bert": 0}])
def test_where_one_reader_sees_nothing_and_another_draws_there_is_no_size(
    tmp_path: Path, readers: dict[str, int]
) -> None:
    visit = read_by(tmp_path, readers)
    assert "readers_disagree" in codes_of(visit)
    row = tumour_of(visit)
    assert (row.volume_mm3, row.missing_reason) == (None, visit.masks.disputed[Compartment.TUMOUR])
    assert "none by" in str(row.missing_reason)
    assert "0.77 mL by" in str(row.missing_reason)
    assert Compartment.TUMOUR not in visit.counted.primary


def test_readers_who_both_see_nothing_agree(tmp_path: Path) -> None:
    visit = read_by(tmp_path, {"anna": 0, "bert": 0})
    assert codes_of(visit) == ["mask_empty", "mask_empty"]
    assert tumour_of(visit).volume_mm3 == 0


def test_the_remedies_work(tmp_path: Path) -> None:
    visit = read_by(tmp_path, {"anna": 8, "bert": 0})
    accepted = replace(visit, decided=VisitDecisions(accepted=frozenset({Compartment.TUMOUR})))
    assert tumour_of(accepted).volume_mm3 == pytest.approx(768)
    corrected = replace(visit, masks=replace(visit.masks, drawn={Compartment.TUMOUR: drawn(6)}))
    assert tumour_of(corrected).volume_mm3 == pytest.approx(432)
    (tmp_path / "derivatives/bert/sub-01/ses-01/anat/sub-01_ses-01_label-tumour_mask.nii.gz").unlink()
    alone = read_by(tmp_path, {"anna": 8})
    assert (codes_of(alone), tumour_of(alone).volume_mm3) == ([], pytest.approx(768))


def test_sizes_far_apart_are_said_and_their_error_allows_for_it(tmp_path: Path) -> None:
    visit = read_by(tmp_path, {"anna": 5, "bert": 10})
    assert codes_of(visit) == ["readers_differ"]
    assert "found 0.30 mL by anna and 1.2 mL by bert" in visit.masks.findings[0].message
    assert (tumour_of(visit).volume_mm3, tumour_of(visit).volume_cv) == (
        pytest.approx(300),
        pytest.approx(0.98, abs=0.01),
    )
    assert codes_of(read_by(tmp_path, {"anna": 9, "bert": 10})) == []


def test_a_program_s_empty_mask_says_nothing_against_a_person_s(tmp_path: Path) -> None:
    by_program = '{"GeneratedBy": [{"Name": "some network"}]}'
    visit = read_by(tmp_path / "a", {"anna": 0, "bert": 8}, by_program)
    assert "readers_disagree" in codes_of(visit)
    read_by(tmp_path / "b", {"zoe": 8})
    empty = tmp_path / "b/derivatives/net/sub-01/ses-01/anat/sub-01_ses-01_label-tumour_mask.nii.gz"
    empty.parent.mkdir(parents=True)
    images.save(drawn(0), empty)
    (tmp_path / "b/derivatives/net/dataset_description.json").write_text(by_program, encoding="utf-8")
    beside = read_by(tmp_path / "b", {"zoe": 8})
    assert (codes_of(beside), beside.masks.origin) == (["mask_empty"], MaskOrigin.MANUAL)
    assert tumour_of(beside).volume_mm3 == pytest.approx(768)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(SCAN.shape), "found 0 in every voxel"),
        (np.full(SCAN.shape, 7.0), "found 7 in every voxel"),
        (-np.asarray(SCAN.array), "found 100% of it below"),
    ],
)
def test_a_scan_that_shows_nothing_gives_no_numbers(tmp_path: Path, array: np.ndarray, words: str) -> None:
    read = read_visits.read_visit(only_visit(study_of(tmp_path, {T2W: SCAN.with_array(array.astype(np.float32))})))
    (odd,) = read.findings
    assert (read.status, odd.code, odd.severity) == ("failed", "scan_unreadable", "error")
    assert words in odd.message
    assert "export the scan again" in odd.message


def test_a_scan_with_some_signal_below_zero_is_read(tmp_path: Path) -> None:
    phase = SCAN.with_array(np.asarray(SCAN.array) - 100.0)
    assert read_visits.read_visit(only_visit(study_of(tmp_path, {T2W: phase}))).findings == ()


@pytest.mark.parametrize("space", ["PAM50", "MNI152NLin2009cAsym", "reference"])
def test_a_mask_of_a_template_s_space_is_not_measured_on_the_scan_s_grid(tmp_path: Path, space: str) -> None:
    name = f"derivatives/reader/sub-01/ses-01/anat/sub-01_ses-01_space-{space}_label-tumour_mask.nii.gz"
    read = read_visits.read_visit(only_visit(study_of(tmp_path, {T2W: SCAN, name: drawn(8)})))
    visit = VisitWork(read, mask_visits.given_masks(read))
    assert codes_of(visit) == ["mask_space"]
    assert f"found one in that of {space}" in str(tumour_of(visit).missing_reason)
    assert visit.masks.is_drawn_on  # no automatic mask stands in for it
    (tmp_path / name).rename(tmp_path / name.replace(space, "orig"))
    renamed = read_visits.read_visit(only_visit(study_of(tmp_path, {T2W: SCAN})))
    assert tumour_of(VisitWork(renamed, mask_visits.given_masks(renamed))).volume_mm3 == pytest.approx(768)


def test_an_empty_mask_is_still_an_image_to_be_shown(tmp_path: Path) -> None:
    images.save(drawn(0), tmp_path / "empty.nii.gz")
    assert not images.load_shown(tmp_path / "empty.nii.gz").array.any()
    assert not images.load(tmp_path / "empty.nii.gz").array.any()
