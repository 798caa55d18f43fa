"""Levels on scans of real cords with known motion: labels of one visit or the other say the same (about 10 s).

The discs are made up: points of the cord whose places in both scans are known.
"""

import csv
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline import images
from pipeline.domain.grid import to_voxel
from pipeline.domain.levels import level_at
from pipeline.steps import align, levels, mask, read, shape
from pipeline.study import read_study

DATA = Path(__file__).parents[3] / "shared" / "realcord" / "cervical"
PATIENT, VISITS = "sub-rc011", ("ses-01", "ses-02")
APART_MM = 18.0
AGREE_MM = 2.0
"""Half a voxel of each label map and the alignment's error; a vertebra is 18 mm here."""


def cord_points(session_id):
    """The known points of one visit by their number, RAS+ mm, and which of them the scan covers."""
    with (DATA / "truth" / "landmarks.tsv").open(encoding="utf-8", newline="") as stream:
        rows = [list(row.values()) for row in csv.DictReader(stream, delimiter="\t")]
    own = [row for row in rows if row[0] == PATIENT and row[1] == session_id]
    return {row[2]: np.array(row[3:6], dtype=float) for row in own if row[6] == "1"}


def made_up_discs():
    """Numbers from C2/C3 on for points at least a vertebra apart that both scans cover."""
    places = {session_id: cord_points(session_id) for session_id in VISITS}
    common = sorted(places["ses-01"].keys() & places["ses-02"].keys(), key=lambda key: -places["ses-01"][key][2])
    chosen = common[:1]
    for key in common:
        if np.linalg.norm(places["ses-01"][chosen[-1]] - places["ses-01"][key]) >= APART_MM:
            chosen.append(key)
    return {
        session_id: {n: found[key] for n, key in enumerate(chosen, start=3)} for session_id, found in places.items()
    }


def labelled_study(folder, session_id):
    """The two visits, with labels on one of them."""
    for name in VISITS:
        shutil.copytree(DATA / "bids" / PATIENT / name, folder / PATIENT / name)
    for path in (DATA / "bids").glob("*.*"):
        shutil.copy(path, folder)
    shutil.copy(DATA / "bids" / PATIENT / f"{PATIENT}_sessions.tsv", folder / PATIENT)
    shutil.copytree(DATA / "bids" / "derivatives", folder / "derivatives")
    scan = next((folder / PATIENT / session_id / "anat").glob("*_T2w.nii.gz"))
    like = images.load(scan)
    labels = np.zeros(like.shape, dtype=np.uint8)
    for number, place in made_up_discs()[session_id].items():
        labels[tuple(np.rint(to_voxel(like.affine, place)).astype(int))] = number
    anat = folder / "derivatives" / "labels" / PATIENT / session_id / "anat"
    anat.mkdir(parents=True)
    images.save(like.with_array(labels), anat / scan.name.replace("_T2w", "_T2w_label-discs_dlabel"))
    (patient,) = read_study(folder, as_of=date(2030, 1, 1), participants=frozenset({PATIENT})).patients
    return patient


@pytest.mark.skipif(not DATA.is_dir(), reason="the scans of real cords are not beside the project")
def test_labels_of_either_visit_name_the_same_levels(tmp_path):
    found = {}
    for session_id in VISITS:
        patient = labelled_study(tmp_path / session_id, session_id)
        visits = [v for v in read.read_visits(patient.visits, patient.treatments)[0] if v.image is not None]
        reference = visits[0]
        given = {visit.session_id: mask.given_masks(visit) for visit in visits}
        region, out = mask.lesion_region(given[reference.session_id]), tmp_path / "out"
        aligned = {
            v.session_id: align.align_visit(reference, v, region, None, out) for v in visits if v.image is not None
        }
        line = shape.centre_line(visits, given, aligned, reference)
        found[session_id] = levels.find_levels(visits, aligned, reference, line.line)
        assert (found[session_id].session_id, found[session_id].findings) == (session_id, ())
    first, second = (found[session_id].levels.positions_mm for session_id in VISITS)
    assert len(first) >= 4
    assert first.keys() == second.keys()
    near_lesion = [number for number in first if abs(first[number]) <= 40]
    assert len(near_lesion) >= 3
    assert [first[n] - second[n] for n in near_lesion] == pytest.approx([0.0] * len(near_lesion), abs=AGREE_MM)
    between = [(first[n] + first[n + 1]) / 2 for n in near_lesion[:-1]]
    named = [[level_at(one.levels, place) for place in between] for one in found.values()]
    assert named[0] == named[1]
    assert set(named[0]) <= {"C3", "C4", "C5", "C6", "C7", "T1", "T2"}
