"""Acts held against the published results: what a stale page sends is refused, and nothing is written."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.journal import act_file, sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.store import reader
from tests.dashboard import drawn_visit

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
SHOWN_EARLIER = "0" * 64


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signing")
    drawn_visit.publish_drawn_visit(folder / "out", folder / "study")
    return folder / "out"


def recognised(digest: str, lesion: str = "L1") -> Act:
    return Act(
        ActKind.CORRECT_LESION, drawn_visit.PATIENT, drawn_visit.VISIT, "tumour", digest,
        lesion_id=lesion, same_as="L7", reason="the same one",
    )  # fmt: skip


@pytest.mark.parametrize("kind", [ActKind.ACCEPT_MASK, ActKind.EXCLUDE_MASK])
def test_an_act_about_a_mask_that_is_no_longer_measured_is_refused(out: Path, kind: ActKind) -> None:
    (act,) = sign_off.about_masks(kind, drawn_visit.PATIENT, drawn_visit.VISIT, {"tumour": SHOWN_EARLIER}, "seen")
    with pytest.raises(SettingsError, match="tumour mask has changed since it was shown; look at it again"):
        sign_off.put_on_record(out, [act], "A. Reader", AT)
    assert not act_file.read(out).entries


def test_a_lesion_corrected_on_a_stale_page_is_refused(out: Path) -> None:
    with pytest.raises(SettingsError, match="tumour mask has changed since it was shown; look at it again"):
        sign_off.put_on_record(out, [recognised(SHOWN_EARLIER)], "A. Reader", AT)
    assert not act_file.read(out).entries


def test_a_lesion_that_the_visit_does_not_have_is_refused(out: Path) -> None:
    now = sign_off.measured_masks(out, drawn_visit.PATIENT, drawn_visit.VISIT)["tumour"]
    with pytest.raises(SettingsError, match=r"expected one of its lesions .*, found L9"):
        sign_off.put_on_record(out, [recognised(now, "L9")], "A. Reader", AT)
    assert not act_file.read(out).entries


def test_one_act_that_is_refused_keeps_all_others_of_the_same_click_out(out: Path) -> None:
    now = sign_off.measured_masks(out, drawn_visit.PATIENT, drawn_visit.VISIT)
    good = sign_off.about_masks(ActKind.ACCEPT_MASK, drawn_visit.PATIENT, drawn_visit.VISIT, now, "seen")
    with pytest.raises(SettingsError, match="changed since it was shown"):
        sign_off.put_on_record(out, [*good, recognised(SHOWN_EARLIER)], "A. Reader", AT)
    assert not act_file.read(out).entries


def test_what_is_said_of_a_visit_needs_no_mask_of_it(out: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(out, tmp_path / "out"))
    now = sign_off.measured_masks(copy, drawn_visit.PATIENT, drawn_visit.VISIT)
    visits = reader.query(reader.database_path(copy), "patient_visits", patient_id=drawn_visit.PATIENT)
    for session_id in visits["session_id"]:
        acts = [
            Act(ActKind.COMMENT, drawn_visit.PATIENT, session_id, reason="seen"),
            Act(ActKind.COMMENT, drawn_visit.PATIENT, session_id, "haemorrhage", reason="an old bleed?"),
            Act(ActKind.PIN_BASELINE, drawn_visit.PATIENT, session_id, reason="the better scan"),
        ]
        assert len(sign_off.put_on_record(copy, acts, "A. Reader", AT)) == 3
    (whole,) = sign_off.put_on_record(copy, [Act(ActKind.COMMENT, drawn_visit.PATIENT, reason="x")], "A. Reader", AT)
    assert (whole.session_id, "haemorrhage" in now) == (None, False)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Act(ActKind.COMMENT, "sub-nobody", reason="x"), "sub-nobody: expected a patient of these results"),
        (
            Act(ActKind.COMMENT, drawn_visit.PATIENT, "ses-99", reason="x"),
            "expected one of the visits .*, found ses-99",
        ),
        (
            Act(ActKind.ACCEPT_MASK, drawn_visit.PATIENT, drawn_visit.VISIT, "haemorrhage", SHOWN_EARLIER),
            "expected one of its masks .*tumour.*, found haemorrhage",
        ),
    ],
)
def test_an_act_about_what_the_results_do_not_have_is_refused(out: Path, act: Act, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        sign_off.put_on_record(out, [act], "A. Reader", AT)
    with pytest.raises(SettingsError, match="expected at least one act"):
        sign_off.put_on_record(out, [], "A. Reader", AT)
    assert not act_file.read(out).entries
