"""The mask that was measured, read again: from where the results say, and only while it is the very same file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import fingerprints, images
from pipeline.study.measured_masks import read_measured
from tests.study_folder import AFFINE, DSEG, only_visit, study_of, volume

IN_OUTPUT = "sub-01/ses-01/anat/soft.nii.gz"


def labels(tumour: int = 1) -> Volume:
    array = np.zeros((6, 5, 4), dtype=np.uint8)
    array[1:3, 1:3, 1:3], array[4, 4, 3] = tumour, 2
    return Volume(array, AFFINE)


def row_of(folder: str, root: Path, relative: str, compartment: str = "tumour") -> dict[str, str]:
    return {
        "folder": folder,
        "path": relative,
        "sha256": fingerprints.of_file(root / relative),
        "compartment": compartment,
    }


def read_from_study(study: Path, compartment: str = "tumour") -> Volume | None:
    visit = only_visit(study_of(study))
    files = {mask.relative: mask for mask in visit.masks}
    row = row_of("study", study, DSEG, compartment)
    return read_measured(row, volume(), study / "nowhere", study, files)


def test_a_mask_of_the_study_gives_the_compartment_that_was_measured(tmp_path: Path) -> None:
    study_of(tmp_path, {DSEG: labels()})
    tumour, cyst = read_from_study(tmp_path), read_from_study(tmp_path, "cyst")
    assert tumour is not None
    assert cyst is not None
    assert (int(tumour.array.sum()), int(cyst.array.sum())) == (8, 1)


def test_a_mask_that_no_longer_draws_the_compartment_gives_none(tmp_path: Path) -> None:
    study_of(tmp_path, {DSEG: labels()})
    assert read_from_study(tmp_path, str(Compartment.OEDEMA)) is None


def test_a_mask_of_the_output_folder_gives_its_probabilities_between_none_and_all(tmp_path: Path) -> None:
    soft = np.zeros((6, 5, 4), dtype=np.float32)
    soft[1, 1, 1], soft[2, 2, 2], soft[3, 3, 3] = 0.4, 1.0001, -0.0001
    path = tmp_path / "out" / IN_OUTPUT
    path.parent.mkdir(parents=True)
    images.save(Volume(soft, AFFINE), path)
    row = row_of("output", tmp_path / "out", IN_OUTPUT)
    found = read_measured(row, volume(), tmp_path / "out", tmp_path / "study", {})
    assert found is not None
    assert found.array.dtype == np.float32
    assert [float(found.array[i, i, i]) for i in (1, 2, 3)] == pytest.approx([0.4, 1.0, 0.0])


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_file_that_is_not_the_one_that_was_measured_is_refused(tmp_path: Path, change: str) -> None:
    study_of(tmp_path, {DSEG: labels()})
    visit = only_visit(study_of(tmp_path))
    row = row_of("study", tmp_path, DSEG)
    if change == "gone":
        (tmp_path / DSEG).unlink()
    else:
        images.save(labels(tumour=2), tmp_path / DSEG)
    with pytest.raises(InputError, match="expected the mask that was measured, found it gone or changed; run again"):
        read_measured(row, volume(), tmp_path / "out", tmp_path, {mask.relative: mask for mask in visit.masks})
