"""The generator of the sample study makes what is committed, and its lesions have the volume asked for (about 15 s)."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from sample_data import further_scans, scanner
from sample_data.generate import truth_of, write_scans
from sample_data.lesions import Blob, Scene, cord_distance, fit, volumes_mm3
from sample_data.stories import PATIENTS, Patient, Visit
from sample_data.visit_setup import set_up
from tests.places import SAMPLE

ROOT = SAMPLE
STUDY, TRUTH = ROOT / "study", ROOT / "truth"
SAMPLING_TOLERANCE = 0.02
"""Five points per voxel stand for the integral over it."""


def true_volumes() -> dict[tuple[str, str, str], float]:
    with (TRUTH / "volumes.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return {(r["participant_id"], r["session_id"], r["compartment"]): float(r["volume_mm3"]) for r in rows}


def find(number: int, session: str) -> tuple[Patient, Visit]:
    patient = PATIENTS[number - 1]
    return patient, next(visit for visit in patient.visits if visit.session_id == session)


def test_the_generator_makes_the_committed_voxels_again(tmp_path: Path) -> None:
    patient, visit = find(8, "ses-06")
    write_scans(patient, visit, set_up(patient, visit), tmp_path)
    made = next(tmp_path.rglob("*_T2w.nii.gz"))
    kept = STUDY / made.relative_to(tmp_path)
    # Unpacked, because a Python built with another zlib packs the same bytes differently.
    assert gzip.decompress(made.read_bytes()) == gzip.decompress(kept.read_bytes())
    assert (
        made.with_name(made.name.replace(".nii.gz", ".json")).read_text()
        == kept.with_name(kept.name.replace(".nii.gz", ".json")).read_text()
    )


def test_the_generator_makes_the_committed_labels_and_spectrum_again(tmp_path: Path) -> None:
    patient, visit = find(5, "ses-01")
    further_scans.write(patient, replace(visit, further=()), set_up(patient, visit), tmp_path)
    written = sorted(tmp_path.rglob("*.nii.gz"))
    assert len(written) == 3
    for path in written:
        images = [nibabel.load(place) for place in (path, STUDY / path.relative_to(tmp_path))]
        made, kept = (np.asarray(image.dataobj) for image in images)
        np.testing.assert_array_equal(images[0].affine, images[1].affine)
        assert (made.shape, made.dtype) == (kept.shape, kept.dtype), path.name
        if np.iscomplexobj(made):  # another processor rounds sines otherwise
            np.testing.assert_allclose(made, kept, rtol=0, atol=1e-4 * np.abs(kept).max())
        else:
            np.testing.assert_array_equal(made, kept)


def test_the_generator_knows_the_committed_truth() -> None:
    patient, visit = find(6, "ses-05")
    made = truth_of(patient, visit, set_up(patient, visit))
    for kind, rows in made.items():
        kept = (TRUTH / f"{kind}.tsv").read_text(encoding="utf-8").splitlines()
        assert ["\t".join(row) for row in rows] == [line for line in kept if line.startswith("sub-demo06\tses-05\t")]


@pytest.mark.parametrize(("number", "session"), [(2, "ses-06"), (4, "ses-05")])
def test_thick_slices_bends_and_the_field_of_view_lose_no_volume(number: int, session: str) -> None:
    patient, visit = find(number, session)
    setup = set_up(patient, visit)
    # Fewer points than the scan itself uses: 2 % is still far more than the sampling's error.
    coarse, volumes = (1, 1, 5), true_volumes()
    shares = scanner.acquire_shares(setup.person, setup.scene, setup.pose, setup.grid, coarse)
    for name, share in shares.items():
        counted_mm3 = float(share.sum(dtype=np.float64)) * setup.grid.voxel_mm3
        true_mm3 = volumes[patient.participant_id, session, name]
        assert counted_mm3 == pytest.approx(true_mm3, rel=SAMPLING_TOLERANCE), name


def test_a_tumour_widens_the_cord() -> None:
    x, none = np.linspace(-12, 12, 241, dtype=np.float32), np.zeros(1, dtype=np.float32)
    bare = Scene((4.7, 3.8), None, ())
    full = fit(bare, Blob("tumour", (0, 0, 0), (1, 0.9, 1.1)), 1800)
    widths_mm = [0.1 * float((cord_distance(scene, x, none, none) < 0).sum()) for scene in (bare, full)]
    assert widths_mm[0] == pytest.approx(9.4, abs=0.2)
    assert widths_mm[1] > widths_mm[0] + 1.5


def test_a_lesion_that_cannot_fit_is_refused() -> None:
    scene = Scene((4.7, 3.8), None, (Blob("tumour", (0, 0, 0), (1, 1, 1), size=4.0),))
    with pytest.raises(ValueError, match="oedema of 90000 mm3 does not fit"):
        fit(scene, Blob("oedema", (0, 0, 0), (1, 1, 0.2)), 90000)


def test_an_integrated_sphere_has_the_volume_of_a_sphere() -> None:
    blob = Blob("tumour", (0, 0, 0), (1, 1, 1), size=1.0)
    across, _, along = blob.half_axes_mm()
    assert across == along == 1.0
    wide = Blob("tumour", (0, 0, 0), (6, 6, 6), size=1.0)
    assert volumes_mm3(Scene((9, 9), None, (wide,)))["tumour"] == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.01)
