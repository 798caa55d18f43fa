"""Which scans of a patient can be shown, and that each lies where the transforms put it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dashboard.data import queries, scan_files
from dashboard.patient import scan_panes
from dashboard.viewer import Pane
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import place_of
from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import fingerprints, images
from pipeline.study import study_folder

P = "sub-01"
SHAPE = (8, 20, 24)
SPACING = np.diag([3.0, 1.0, 1.0, 1.0])
BRIGHT = (4, 9, 12)
"""Voxel of the one bright spot on the reference grid."""


def shift(source: str, target: str, *mm: float) -> Transform:
    matrix = np.eye(4)
    matrix[:3, 3] = mm
    return Transform(source, target, matrix)


def spot(at: tuple[int, int, int]) -> Volume:
    array = np.full(SHAPE, 100, dtype=np.int16)
    array[at] = 900
    return Volume(array, SPACING)


def row(session: str, contrast: str, *, is_anchor: bool, **others: object) -> dict[str, object]:
    path = f"{P}/{session}/anat/{P}_{session}_{contrast}.nii.gz"
    usual = {
        "plane": "sagittal", "chunk": None, "unreadable_reason": None, "grade": "A", "transform_path": None,
        "acquired_on": date(2020 + int(session[-1]), 1, 1), "is_reference": session == "ses-1",
    }  # fmt: skip
    named = {"patient_id": P, "session_id": session, "path": path, "contrast": contrast, "is_anchor": is_anchor}
    return usual | named | others


@pytest.fixture
def visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, object]]:
    """A reference visit, and one whose T2w lies 2 mm further anterior and whose T1w 3 mm further superior than that."""
    out, bids = tmp_path / "out", tmp_path / "study"
    there, sequence = "there.h5", "sequence.h5"
    images.save_transform(shift("reference", "ses-2", 0, 2, 0), out / there)
    names = {
        "suffix": "xfm",
        "extension": ".h5",
        "from": "reference",
        "to": study_folder.label_of("ses-2"),
        "mode": "image",
    }
    images.save_transform(
        shift("ses-2", "reference", 0, -2, 0), out / study_folder.derivative_path(P, "ses-2", **names)
    )
    images.save_transform(shift("ses-2", "T1w", 0, 0, 3), out / sequence)
    i, j, k = BRIGHT
    rows = [
        row("ses-1", "T2w", is_anchor=True),
        row("ses-2", "T1w_ce", is_anchor=False, transform_path=sequence),
        row("ses-2", "T2w", is_anchor=True, transform_path=there),
        row("ses-2", "T1w", is_anchor=False, grade=None),
        row("ses-2", "T2w_ce", is_anchor=False, unreadable_reason="torn"),
    ]
    for one, at in zip(rows, ((i, j, k), (i, j + 2, k + 3), (i, j + 2, k)), strict=False):
        images.save(spot(at), bids / str(one["path"]))
    for session in ("ses-1", "ses-2"):
        where = {"extension": ".nii.gz", "space": "reference"}
        images.save(spot(BRIGHT), out / study_folder.derivative_path(P, session, suffix="T2w", **where))
    mask = out / "mask.nii.gz"
    images.save(Volume((spot((i, j + 2, k)).array > 500).astype(np.float32), SPACING), mask)
    masks = [{
        "patient_id": P, "session_id": "ses-2", "compartment": "tumour", "folder": "output", "path": mask.name,
        "is_primary": True, "sha256": fingerprints.of_file(mask),
    }]  # fmt: skip
    sizes = [{"session_id": "ses-2", "compartment": "tumour", "is_excluded": False, "volume_mm3": 900.0}]
    tables = {"patient_scans": rows, "patient_masks": masks, "patient_measurements": sizes}
    monkeypatch.setattr(queries, "query", lambda name, **_: pd.DataFrame(tables[name]))
    monkeypatch.setenv(queries.OUT_VARIABLE, str(out))
    (out / "run.toml").write_text(f"bids_dir = '{bids}'\n", encoding="utf-8")
    found = {"certificate_grade": "A", "patient_id": P}
    return {r["session_id"]: found | r for r in rows if r["is_anchor"]}  # type: ignore[misc]


def shown(visits: dict[str, dict[str, object]], *names: str) -> list[scan_panes.Shown]:
    return scan_panes.chosen_scans(scan_panes.sequences(P, list(visits)), list(visits), names)[0]


def test_only_what_can_be_read_and_was_laid_on_its_visit_is_offered(visits: dict[str, dict[str, object]]) -> None:
    found = scan_panes.sequences(P, list(visits))
    assert {name: sorted(by_visit) for name, by_visit in found.items()} == {
        "T2w": ["ses-1", "ses-2"],
        "T1w + contrast": ["ses-2"],
    }
    assert scan_panes.aligned_sequences(found) == ["T2w"]
    scans, said = scan_panes.chosen_scans(found, list(visits), ["T2w", "T1w + contrast"])
    assert [(s.scan["session_id"], s.sequence) for s in scans] == [
        ("ses-1", "T2w"), ("ses-2", "T2w"), ("ses-2", "T1w + contrast"),
    ]  # fmt: skip
    assert said == ["2021-01-01 has no T1w + contrast"]


def test_planes_and_parts_of_the_spine_are_sequences_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    laid = {"is_anchor": False, "transform_path": "x.h5"}
    rows = [
        row("ses-1", "T2w", is_anchor=True),
        row("ses-1", "T2w", plane="axial", **laid),  # type: ignore[arg-type]
        row("ses-1", "T1w", chunk="2", **laid),  # type: ignore[arg-type]
    ]
    monkeypatch.setattr(queries, "query", lambda _name, **_: pd.DataFrame(rows))
    assert list(scan_panes.sequences(P, ["ses-1"])) == ["T2w sagittal", "T2w axial", "T1w part 2"]


def test_more_than_four_pictures_are_not_shown_and_said(visits: dict[str, dict[str, object]]) -> None:
    found = scan_panes.sequences(P, list(visits))
    many = {f"{name} {n}": found["T2w"] for name in ("T2w",) for n in range(3)}
    scans, said = scan_panes.chosen_scans(many, list(visits), list(many))
    assert len(scans) == 4
    assert said == ["the first 4 of 6 scans are shown"]


def test_another_sequence_lies_on_the_reference_grid_and_is_empty_where_it_does_not_reach(
    visits: dict[str, dict[str, object]],
) -> None:
    pane = scan_panes.reference_panes(shown(visits, "T1w + contrast"), visits)[0]
    assert np.argwhere(pane.image > 200).tolist() == [list(BRIGHT)]
    assert (pane.image[:, :, -3:] == 0).all(), "3 mm further than the T1w goes"
    assert (pane.image[:, :-2, :-3] > 0).all()
    assert pane.title == "2022-01-01 · T1w + contrast · aligned A"


def test_in_own_grids_the_spot_is_one_place_and_the_mask_lies_on_it(visits: dict[str, dict[str, object]]) -> None:
    panes = scan_panes.own_grid_panes(shown(visits, "T2w", "T1w + contrast"), visits, None)
    places = []
    for pane in panes:
        bright = tuple(int(n) for n in np.argwhere(pane.image == 255)[0])
        places.append(place_of(pane, bright))  # type: ignore[arg-type]
        marked = [] if pane.labels is None else np.argwhere(pane.labels).tolist()
        assert marked == ([] if pane is panes[0] else [list(bright)]), "the first visit has no mask"
    np.testing.assert_allclose(places, [[12.0, 9.0, 12.0]] * 3, atol=1e-4)


def test_a_mask_that_was_changed_and_a_study_that_is_gone_are_said(
    visits: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    scan = shown(visits, "T2w")[1]
    images.save(Volume(np.ones(SHAPE, np.float32), SPACING), tmp_path / "out" / "mask.nii.gz")
    with pytest.raises(InputError, match=r"mask\.nii\.gz: expected the mask that was measured"):
        scan_files.own_masks(scan.scan, scan.anchor)
    (tmp_path / "study").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="study folder of the last run is not at"):
        scan_files.study_scan("x.nii.gz")


def test_a_scan_that_was_changed_since_the_run_is_not_the_one_that_was_read(
    visits: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    scan = visits["ses-1"]
    file = tmp_path / "study" / str(scan["path"])
    read = scan | {"sha256": fingerprints.of_file(file)}
    assert scan_files.scan_as_read(read).shape == SHAPE
    images.save(spot((1, 1, 1)), file)
    with pytest.raises(InputError, match="expected the scan that was read, found it gone or changed"):
        scan_files.scan_as_read(read)


@pytest.mark.parametrize(("grade", "transform"), [("C", "there.h5"), (None, None)])
def test_levels_are_not_laid_on_a_visit_whose_place_is_not_certain(
    visits: dict[str, dict[str, object]], monkeypatch: pytest.MonkeyPatch, grade: str | None, transform: str | None
) -> None:
    disc = {"patient_id": P, "session_id": "ses-1", "is_used": True, "path": "gone.nii.gz", "sha256": "0"}
    monkeypatch.setattr(queries, "table", lambda _: pd.DataFrame([disc]))
    doubtful = visits["ses-2"] | {"grade": grade, "transform_path": transform}
    words = scan_files.disc_places(P, doubtful)
    assert isinstance(words, str)
    assert "its alignment is of grade C, or there is none" in words
    with pytest.raises(InputError, match="expected the disc labels that were read"):
        scan_files.disc_places(P, visits["ses-2"])


def test_masks_that_do_not_count_are_marked_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(compartment: str, volume_mm3: float | None, **others: object) -> dict[str, object]:
        about = {"session_id": "ses-1", "compartment": compartment, "volume_mm3": volume_mm3}
        return about | {"missing_reason": None, "is_excluded": False, **others}

    tables = {
        "patient_measurements": pd.DataFrame([
            measured("tumour", None, missing_reason="a copy"), measured("cyst", None, is_excluded=True),
            measured("oedema", None, missing_reason="nobody drew it"), measured("cord", 900.0),
            measured("syrinx", None, session_id="ses-2"),
        ]),
        "patient_masks": pd.DataFrame([
            {"session_id": "ses-1", "compartment": name, "is_primary": True} for name in ("tumour", "cyst", "cord")
        ]),
    }  # fmt: skip
    monkeypatch.setattr(queries, "query", lambda name, **_: tables[name])
    assert scan_panes.uncounted_compartments(P, "ses-1") == {"tumour": "a copy"}
    item = SimpleNamespace(anchor={"patient_id": P, "session_id": "ses-1"})
    pane = scan_panes._with_excluded(Pane("2020", np.zeros(SHAPE, dtype=np.uint8), None, (3.0, 1.0, 1.0)), item)  # type: ignore[arg-type]
    assert pane.title == "2020 · excluded: cyst · not counted: tumour"
    numbers = {name: value for value, (name, _) in COMPARTMENT_COLOURS.items()}
    assert pane.excluded == {numbers["cyst"], numbers["tumour"]}
