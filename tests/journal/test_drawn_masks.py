"""A mask that a person drew in place of the measured one: held against its scan, kept, measured, undone. About 40 s."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.files import images
from pipeline.journal import act_file, drawing, drawn_masks, sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.run import workers
from pipeline.run.study_run import RunSettings, RunSummary, run
from pipeline.store import reader
from pipeline.study.study_folder import StudyPatient
from tests.study_folder import AFFINE, AS_OF, DSEG, ONE_VISIT, T2W, write_files

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
SHAPE = (12, 14, 8)
T1MAP_2 = "sub-01/ses-02/anat/sub-01_ses-02_T1map.nii.gz"
OTHER_GRID = Volume(np.zeros((10, 14, 8), dtype=np.int16), AFFINE)
VOXEL_MM3 = 3.0
SOFT = np.linspace(0.5, 1.0, SHAPE[0], dtype=np.float32)[:, None, None]


def block(first: int = 3, last: int = 7, label: int = 1) -> np.ndarray:
    array = np.zeros(SHAPE, dtype=np.uint8)
    array[first:last, 4:8, 2:6] = label
    return array


def study_of_one_visit(folder: Path, *, by_hand: bool = False, seed: int = 1) -> Path:
    """A visit with a tumour of 4 x 4 x 4 voxels and a cyst beside it, and an empty second visit on another grid."""
    image = np.random.default_rng(seed).integers(50, 200, SHAPE).astype(np.int16)
    program = '{"GeneratedBy": [{"Name": "%s"}]}' % ("manual" if by_hand else "some program")
    files = {
        T2W: Volume(image, AFFINE),
        T1MAP_2: OTHER_GRID,
        DSEG: Volume(block() + block(8, 10, label=2), AFFINE),
        "derivatives/reader/dataset_description.json": program,
        "sub-01/sub-01_sessions.tsv": "session_id\tacq_date\nses-01\t2020-02-17\n",
    }
    return write_files(folder, {**ONE_VISIT, **files})


def run_again(study: Path, out: Path) -> RunSummary:
    finished = datetime(2026, 1, 31)  # noqa: DTZ001
    return run(RunSettings(study, out, "imsct_adapted_v1", None, 1, AS_OF, finished), lambda *_: None)


@pytest.fixture(autouse=True, scope="module")
def in_this_process() -> Iterator[None]:
    """Work on patients here: a process of its own for each run takes seconds to import what it needs."""

    def here(
        patients: Sequence[StudyPatient], rules: workers.Rules, out_dir: Path, _: int
    ) -> Iterator[tuple[str, Any]]:
        for patient in patients:
            yield patient.patient.patient_id, workers._process(patient, out_dir, rules)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_in_processes", here)
        yield


@pytest.fixture
def measured(tmp_path: Path) -> tuple[Path, Path]:
    study, out = study_of_one_visit(tmp_path / "study"), tmp_path / "out"
    run_again(study, out)
    return study, out


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same for tests that change nothing in it."""
    folder = tmp_path_factory.mktemp("still")
    study, out = study_of_one_visit(folder / "study"), folder / "out"
    run_again(study, out)
    return study, out


def saved(folder: Path, array: np.ndarray, affine: np.ndarray = AFFINE, name: str = "mine.nii.gz") -> Path:
    images.save(Volume(array, affine), folder / name)
    return folder / name


def target(out: Path, compartment: str = "tumour") -> drawing.Target:
    return drawing.target_of(out, "sub-01", "ses-01", compartment)


def correct(
    out: Path, file: Path, compartment: str = "tumour", *, label: int | None = None, nothing_there: bool = False
) -> str:
    meant = target(out, compartment)
    signed = sign_off.Signature("A. Reader", "follows the enhancing rim", AT)
    fit = drawing.held_against(meant, file, label)
    (entry,) = sign_off.correct_mask(out, meant, fit, signed, nothing_there=nothing_there)
    return entry.entry_id


def measurements(out: Path) -> pd.DataFrame:
    rows = reader.table(reader.database_path(out), "measurement").round({"volume_mm3": 6})
    return rows[rows["session_id"] == "ses-01"].set_index("compartment")


def provisional(out: Path) -> bool:
    rows = reader.query(reader.database_path(out), "patient_assessments", patient_id="sub-01")
    chosen = rows[(rows["criteria_id"] == "imsct_adapted_v1") & (rows["session_id"] == "ses-01")]
    return bool(chosen.iloc[0]["is_provisional"])


def kept(out: Path) -> list[str]:
    return sorted(path.name for path in (out / drawn_masks.FOLDER).glob("*"))


def test_a_corrected_tumour_is_measured_and_the_cyst_stays_automatic_until_it_is_undone(
    measured: tuple[Path, Path], tmp_path: Path
) -> None:
    study, out = measured
    before, untouched = measurements(out), (study / DSEG).read_bytes()
    assert provisional(out)
    entry_id = correct(out, saved(tmp_path, block(3, 6)))
    (name,) = kept(out)
    run_again(study, out)

    rows = measurements(out)
    assert rows.loc["tumour", "volume_mm3"] == 3 * 16 * VOXEL_MM3
    assert rows["mask_origin"].to_dict() == {"tumour": "edited", "cyst": "automatic"}
    assert rows["source"].to_dict() == {"tumour": "journal/masks", "cyst": "reader"}
    assert rows.loc["cyst", "volume_mm3"] == before.loc["cyst", "volume_mm3"]
    assert rows.loc["tumour", "cv_source"] == "geometric_model", "a mask that was called wrong is no second read"
    assert not provisional(out)
    assert reader.table(reader.database_path(out), "review")["kind"].tolist() == ["failed visit"]
    masks = reader.query(reader.database_path(out), "patient_masks", patient_id="sub-01")
    mine = masks[masks["is_primary"] & (masks["compartment"] == "tumour")].iloc[0]
    assert (mine["path"], mine["sha256"]) == (f"journal/masks/{name}", name.removesuffix(".nii.gz"))
    assert mine["method"] == "drawn by A. Reader on 2024-05-06 in place of the measured mask"
    assert mine["note"] == "follows the enhancing rim"
    again = drawing.held_against(target(out), saved(tmp_path, block(3, 5)))
    assert again.was_mm3 == pytest.approx(144.0), "it is read back from where it is kept, as an export reads it"
    assert (study / DSEG).read_bytes() == untouched, "the study folder is never written"
    assert run_again(study, out).is_published is False

    sign_off.put_on_record(out, [Act(ActKind.UNDO, "sub-01", undoes=entry_id)], "A. Reader", AT)
    run_again(study, out)
    pd.testing.assert_frame_equal(measurements(out), before)
    assert provisional(out)
    assert kept(out) == [name], "what a person drew is never removed"


def test_what_was_said_about_the_replaced_mask_is_about_another_one(
    measured: tuple[Path, Path], tmp_path: Path
) -> None:
    study, out = measured
    seen = {"tumour": sign_off.measured_masks(out, "sub-01", "ses-01")["tumour"]}
    sign_off.put_on_record(out, sign_off.about_masks(ActKind.EXCLUDE_MASK, "sub-01", "ses-01", seen, "off"), "R", AT)
    correct(out, saved(tmp_path, block(3, 6)))
    done = run_again(study, out)
    assert measurements(out).loc["tumour", "volume_mm3"] == 144.0
    assert "act_lapsed" not in [found.code for found in done.findings]
    seen = {"tumour": sign_off.measured_masks(out, "sub-01", "ses-01")["tumour"]}
    sign_off.put_on_record(out, sign_off.about_masks(ActKind.EXCLUDE_MASK, "sub-01", "ses-01", seen, "no"), "R", AT)
    run_again(study, out)
    assert measurements(out).loc["tumour", "missing_reason"] == "mask excluded by R on 2024-05-06: no"


def test_a_second_correction_takes_the_place_of_the_first(measured: tuple[Path, Path], tmp_path: Path) -> None:
    study, out = measured
    correct(out, saved(tmp_path, block(3, 6)))
    correct(out, saved(tmp_path, block(3, 5)))
    run_again(study, out)
    assert measurements(out).loc["tumour", "volume_mm3"] == 2 * 16 * VOXEL_MM3
    shown = reader.query(reader.database_path(out), "patient_journal", patient_id="sub-01")
    assert sorted(shown["status"]) == ["in_force", "replaced"]


def test_an_empty_mask_is_a_statement_that_must_be_made(measured: tuple[Path, Path], tmp_path: Path) -> None:
    study, out = measured
    empty = saved(tmp_path, np.zeros(SHAPE, dtype=np.uint8))
    with pytest.raises(SettingsError, match="nothing is drawn; say that nothing is there, or draw it"):
        correct(out, empty)
    with pytest.raises(SettingsError, match="something is drawn here"):
        correct(out, saved(tmp_path, block(), name="full.nii.gz"), nothing_there=True)
    assert (act_file.read(out).entries, kept(out)) == ((), [])
    correct(out, empty, nothing_there=True)
    assert act_file.read(out).entries[0].reason == "nothing there: follows the enhancing rim"
    run_again(study, out)
    assert measurements(out).loc["tumour", "volume_mm3"] == 0.0
    assert measurements(out).loc["cyst", "volume_mm3"] > 0


def test_a_compartment_that_nobody_drew_can_be_added(measured: tuple[Path, Path], tmp_path: Path) -> None:
    study, out = measured
    correct(out, saved(tmp_path, block(0, 2)), "syrinx")
    assert act_file.read(out).entries[0].replaces_sha256 is None
    run_again(study, out)
    assert measurements(out).loc["syrinx", "volume_mm3"] == 96.0
    assert measurements(out).loc["tumour", "mask_origin"] == "automatic"


def test_probabilities_and_one_label_of_several_are_understood(still: tuple[Path, Path], tmp_path: Path) -> None:
    out = still[1]
    soft = drawing.held_against(target(out), saved(tmp_path, block() * SOFT))
    assert soft.volume_mm3 == pytest.approx(float((block() * SOFT).sum()) * VOXEL_MM3)
    several = saved(tmp_path, block(3, 6, label=4) + block(8, 10, label=9))
    assert drawing.labels_in(target(out), several) == {4: 48, 9: 32}
    with pytest.raises(InputError, match="expected one label, found 4, 9; say which is tumour"):
        drawing.held_against(target(out), several)
    fit = drawing.held_against(target(out), several, 4)
    assert (fit.volume_mm3, fit.was_mm3) == (pytest.approx(144.0), pytest.approx(192.0))
    assert fit.dice == pytest.approx(2 * 48 / (48 + 64))
    with pytest.raises(InputError, match="expected one of its labels 4, 9, found 7"):
        drawing.held_against(target(out), several, 7)


def test_voxels_drawn_by_half_are_drawn(still: tuple[Path, Path], tmp_path: Path) -> None:
    def fit(share: float) -> drawing.DrawingFit:
        soft = block(3, 6) + block(6, 7) * np.float32(share)
        return drawing.held_against(target(still[1]), saved(tmp_path, soft, name=f"{share}.nii.gz"))

    assert (fit(0.5).dice, len(fit(0.5).doubts)) == (1.0, 1), "the very mask that is measured now"
    assert fit(0.49).dice == pytest.approx(96 / 112)


def test_a_lesion_is_recognised_under_a_name_that_a_lesion_can_have(measured: tuple[Path, Path]) -> None:
    out = measured[1]
    digest = sign_off.measured_masks(out, "sub-01", "ses-01")["tumour"]
    act = Act(ActKind.CORRECT_LESION, "sub-01", "ses-01", "tumour", digest, lesion_id="L1", same_as="L7", reason="same")
    for name in ("tumour", "L0", "L", "1"):
        with pytest.raises(SettingsError, match=f"expected a lesion such as L1, found {name}"):
            sign_off.put_on_record(out, [replace(act, same_as=name)], "A. Reader", AT)
    (entry,) = sign_off.put_on_record(out, [act], "A. Reader", AT)
    assert (entry.lesion_id, entry.same_as) == ("L1", "L7")


def test_a_file_of_the_largest_size_is_taken(tmp_path: Path) -> None:
    content = bytes(drawing.MOST_MEGABYTES * 2**20)
    assert drawing.of_upload("large.nii", content, tmp_path).stat().st_size == 64 * 2**20


def test_voxels_stored_in_another_order_are_the_same_voxels(still: tuple[Path, Path], tmp_path: Path) -> None:
    turned = AFFINE.copy()
    turned[0] = [-1.0, 0.0, 0.0, SHAPE[0] - 1.0]
    fit = drawing.held_against(target(still[1]), saved(tmp_path, block(3, 6)[::-1], turned))
    assert fit.dice == pytest.approx(96 / 112)


def test_doubts_are_said_before_anything_is_put_on_record(still: tuple[Path, Path], tmp_path: Path) -> None:
    out = still[1]
    doubts = {
        "left and right swapped": block()[::-1],
        "does not touch the mask": np.roll(block(), 7, axis=1),
        "to sign that one, accept it": block(),
    }
    for words, array in doubts.items():
        (doubt,) = drawing.held_against(target(out), saved(tmp_path, array)).doubts
        assert words in doubt
    assert drawing.held_against(target(out), saved(tmp_path, block(3, 6))).doubts == ()


def header(**changes: tuple[str, int, object]) -> bytes:
    """A NIfTI header of the visit's grid with fields overwritten: (format, offset, value)."""
    content = bytearray(352)
    fields = {
        "size": ("<i", 0, 348), "dim": ("<4h", 40, (3, *SHAPE)), "type": ("<h", 70, 2), "bits": ("<h", 72, 8),
        "offset": ("<f", 108, 352.0), "units": ("<B", 123, 2), "sform": ("<h", 254, 1), "magic": ("<4s", 344, b"n+1"),
        "x": ("<4f", 280, (1, 0, 0, 0)), "y": ("<4f", 296, (0, 1, 0, 0)), "z": ("<4f", 312, (0, 0, 3, 0)),
        **changes,
    }  # fmt: skip
    for form, offset, value in fields.values():
        struct.pack_into(form, content, offset, *(value if isinstance(value, tuple) else (value,)))
    return bytes(content)


WHOLE = header() + bytes(np.prod(SHAPE))
HOSTILE = {
    "expected a NIfTI image": b"PK\x03\x04 not an image at all" * 40,
    "truncated or damaged": gzip.compress(WHOLE)[:-20],
    r"expected the image's grid of 12x14x8 .*found 30000x30000x30000 voxels": header(
        dim=("<4h", 40, (3, 30000, 30000, 30000))
    ),
    "expected voxels after the header": gzip.compress(header(offset=("<f", 108, 2.0**30))),
    r"expected a 3D image, found 4D \(12x14x8x3\)": header(dim=("<5h", 40, (4, *SHAPE, 3))) + bytes(4000),
    "expected an image, found an empty file": b"",
    "expected finite voxels, found 1 NaN": header(type=("<h", 70, 16), bits=("<h", 72, 32))
    + np.append(np.zeros(np.prod(SHAPE) - 1, "<f4"), np.float32("nan")).tobytes(),
    "the file is truncated": WHOLE[:500],
}


@pytest.mark.parametrize("words", HOSTILE)
def test_a_file_that_is_no_mask_is_refused_in_words_and_nothing_is_written(
    still: tuple[Path, Path], tmp_path: Path, words: str
) -> None:
    out = still[1]
    before = sorted(out.rglob("*"))
    with pytest.raises(InputError, match=words):
        drawing.held_against(target(out), drawing.of_upload("../../mine.nii.gz", HOSTILE[words], tmp_path))
    assert sorted(out.rglob("*")) == before
    assert not (tmp_path.parent / "mine.nii.gz").exists()


def test_a_whole_file_of_the_same_make_is_taken(still: tuple[Path, Path], tmp_path: Path) -> None:
    for content in (WHOLE, gzip.compress(WHOLE)):
        assert drawing.held_against(target(still[1]), drawing.of_upload("a", content, tmp_path)).is_empty


def test_what_lies_elsewhere_or_is_a_scan_is_refused_as_in_the_study_folder(
    still: tuple[Path, Path], tmp_path: Path
) -> None:
    out = still[1]
    mirrored = AFFINE @ np.diag([-1.0, 1.0, 1.0, 1.0])
    refused = {
        "found that of sub-01_ses-02_T1map.nii.gz": saved(tmp_path, OTHER_GRID.array, name="of_another_visit.nii.gz"),
        r"first voxel at \(0.0, 0.0, 0.0\) mm, axes LAS": saved(tmp_path, block(), mirrored, "mirrored.nii.gz"),
        "expected a mask, found": still[0] / T2W,
        "expected probabilities from 0 to 1, found 0 to 1.5": saved(tmp_path, block() * np.float32(1.5), name="x.nii"),
        "expected 0 and 1, found values from -1": saved(tmp_path, -block().astype(np.int16), name="minus.nii.gz"),
    }
    for words, file in refused.items():
        with pytest.raises(InputError, match=words):
            drawing.held_against(target(out), file)
    with pytest.raises(InputError, match="expected a mask of up to 64 MB, found more"):
        drawing.of_upload("large.nii", bytes(drawing.MOST_MEGABYTES * 2**20 + 1), tmp_path)


def test_a_correction_lapses_when_the_scan_is_another_one(measured: tuple[Path, Path], tmp_path: Path) -> None:
    study, out = measured
    correct(out, saved(tmp_path, block(3, 6)))
    run_again(study, out)
    meant = target(out)
    study_of_one_visit(study, seed=2)
    fit = drawing.held_against(meant, saved(tmp_path, block(3, 6)))
    with pytest.raises(SettingsError, match="the scan has changed since the last run"):
        sign_off.correct_mask(out, meant, fit, sign_off.Signature("R", "why", AT))
    done = run_again(study, out)
    assert measurements(out).loc["tumour", "mask_origin"] == "automatic"
    (lapsed,) = [found for found in done.findings if found.code == "act_lapsed"]
    assert (
        "correct mask by A. Reader on 2024-05-06 has no effect: the scan it was drawn on has changed" in lapsed.message
    )


def test_a_drawing_that_is_gone_leaves_no_volume_and_comes_back_with_its_file(
    measured: tuple[Path, Path], tmp_path: Path
) -> None:
    study, out = measured
    correct(out, saved(tmp_path, block(3, 6)))
    run_again(study, out)
    (file,) = (out / drawn_masks.FOLDER).iterdir()
    content = file.read_bytes()
    for change, words in ((file.unlink, "found none"), (lambda: file.write_bytes(content + b"x"), "found a changed")):
        change()
        done = run_again(study, out)
        assert np.isnan(measurements(out).loc["tumour", "volume_mm3"])
        assert words in measurements(out).loc["tumour", "missing_reason"]
        assert "drawing_unusable" in [found.code for found in done.findings]
    file.write_bytes(content)
    run_again(study, out)
    assert measurements(out).loc["tumour", "volume_mm3"] == 144.0


def test_a_mask_that_comes_into_the_study_folder_later_is_said_and_the_signed_one_measured(tmp_path: Path) -> None:
    study, out = study_of_one_visit(tmp_path / "study", by_hand=True), tmp_path / "out"
    run_again(study, out)
    correct(out, saved(tmp_path, block(3, 6)))
    assert "drawing_and_mask" not in [found.code for found in run_again(study, out).findings]
    write_files(study, {DSEG: Volume(block(3, 9), AFFINE)})
    done = run_again(study, out)
    (both,) = [found for found in done.findings if found.code == "drawing_and_mask"]
    assert "is another mask than the one that A. Reader on 2024-05-06 corrected" in both.message
    assert measurements(out).loc["tumour", "volume_mm3"] == 144.0


def test_what_is_handed_out_for_editing_comes_back_as_the_same_mask(still: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "edit.nii.gz"
    file.write_bytes(drawing.to_edit(target(still[1])))
    fit = drawing.held_against(target(still[1]), file)
    assert (fit.volume_mm3, fit.dice) == (pytest.approx(192.0), 1.0)


def test_the_same_from_the_command_line(measured: tuple[Path, Path], tmp_path: Path) -> None:
    out = measured[1]
    command = ["note", str(out), "correct_mask", "01", "01", "--mask", str(saved(tmp_path, block(3, 6))), "--who", "R"]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, SettingsError)
    assert "expected reason" in str(refused.exception)
    done = CliRunner().invoke(app, [*command, "--reason", "rim"])
    assert done.exit_code == 0, done.output
    assert "sub-01 ses-01, tumour: 144 mm³, was 192 mm³; Dice 0.86" in done.output
    (entry,) = act_file.read(out).entries
    assert (entry.act, entry.compartment, entry.who, entry.reason) == ("correct_mask", "tumour", "R", "rim")
    assert kept(out) == [f"{entry.mask_sha256}.nii.gz"]
    assert entry.scan_sha256 == target(out).scan_sha256


def test_a_correction_of_what_is_not_there_is_refused(still: tuple[Path, Path]) -> None:
    out = still[1]
    for place, words in {
        ("sub-01", "ses-09", "tumour"): "expected a visit with a scan to draw on, found none",
        ("sub-01", "ses-01", "tumor"): "expected one of tumour, enhancing",
    }.items():
        with pytest.raises(SettingsError, match=words):
            drawing.target_of(out, *place)
    act = Act(ActKind.CORRECT_MASK, "sub-01", "ses-01", "tumour", "a" * 64, reason="x", scan_sha256="b")
    with pytest.raises(SettingsError, match="expected the mask that a person drew, found none; keep the mask first"):
        sign_off.put_on_record(out, [act], "R", AT)
