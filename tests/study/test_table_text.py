"""Tables as offices write them: other encodings, letters that nobody sees, other languages and other dates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.study_folder import codes, study_of


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_in_any_encoding_of_unicode_says_the_same(encoding: str, tmp_path: Path) -> None:
    text = "participant_id\tsex\tage\thistology\nsub-01\tF\t40\tependymoma\n"
    study = study_of(tmp_path, {"participants.tsv": text.encode(encoding)})
    assert codes(study) == []
    patient = study.patients[0].patient
    assert (patient.sex, patient.age_years, patient.histology) == ("F", 40, "ependymoma")


@pytest.mark.parametrize("invisible", ["\u200b", "\ufeff", "\u202e", "\u00ad", "\u2060"])
def test_letters_that_nobody_sees_change_nothing(invisible: str, tmp_path: Path) -> None:
    text = (
        f"participant_id\tsex\tage\thistology\nsub-{invisible}01\tF{invisible}\t4{invisible}0\tepen{invisible}dymoma\n"
    )
    study = study_of(tmp_path, {"participants.tsv": text})
    assert codes(study) == []
    assert study.patients[0].patient.histology == "ependymoma"


def test_columns_of_another_language_are_named_and_not_silently_nobody_died(tmp_path: Path) -> None:
    text = "participant_id\tGeschlecht\tAlter\tTodesdatum\nsub-01\tW\t40\t2020-05-01\n"
    study = study_of(tmp_path, {"participants.tsv": text})
    assert codes(study) == ["column_unread"]
    assert study.findings[0].message.endswith("found also alter, geschlecht, todesdatum")


@pytest.mark.parametrize("day", ["17.02.2020", "02/17/2020", "17/02/20", "43878", "17-Feb-2020", "2020.02.17"])
def test_a_date_in_another_order_is_no_date_and_is_said(day: str, tmp_path: Path) -> None:
    study = study_of(tmp_path, {"sub-01/sub-01_sessions.tsv": f"session_id\tacq_date\nses-01\t{day}\n"})
    assert "date_malformed" in codes(study)
    assert study.patients[0].visits[0].acquired_on is None
