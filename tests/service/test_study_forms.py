"""Tables changed by a form: checked as a run checks them, the old version kept, and nobody's change overwritten."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from pipeline.errors import InputError, SettingsError
from pipeline.journal import append_only, backup, published_history
from pipeline.journal.sign_off import Signature
from pipeline.service import study_forms

TODAY = date(2026, 1, 1)
SIGNED = Signature("E. Ditor", "", datetime.fromisoformat("2026-01-01T12:00:00"), "https://idp 7")
PEOPLE = "participants.tsv"


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    study = tmp_path / "study"
    study.mkdir()
    return study, tmp_path / "out"


def save(places: tuple[Path, Path], name: str, *new_rows: dict[str, str]) -> str:
    return study_forms.save(places, study_forms.read(places[0], name), new_rows, SIGNED, TODAY)


def test_a_study_begins_with_a_form_and_says_who(places: tuple[Path, Path]) -> None:
    save(places, PEOPLE, {"participant_id": "sub-01", "sex": "F"}, {"participant_id": None, "sex": ""})
    save(places, study_forms.sessions_of("sub-01"), {"session_id": "ses-01", "acq_date": "2025-03-01"})
    study, out = places
    assert (study / PEOPLE).read_text(encoding="utf-8").splitlines()[1].split("\t")[:3] == ["sub-01", "F", "n/a"]
    assert "ses-01\t2025-03-01" in (study / "sub-01" / "sub-01_sessions.tsv").read_text(encoding="utf-8")
    last, first = study_forms.history(out)
    assert (first["who"], first["identity"], first["table"]) == ("E. Ditor", "https://idp 7", PEOPLE)
    assert last["previous"] == first["entry_id"]


def test_every_version_is_kept_and_comes_back_with_a_copy(places: tuple[Path, Path], tmp_path: Path) -> None:
    study, out = places
    by_hand = "participant_id\tnote\tsex\nsub-01\tx\tF\n"
    (study / PEOPLE).write_text(by_hand, encoding="utf-8")
    save(places, PEOPLE, {"participant_id": "sub-01", "note": "x", "sex": "M"})
    (change,) = study_forms.history(out)
    kept = (out / study_forms.VERSIONS / f"{change['before_sha256']}.tsv").read_text(encoding="utf-8")
    assert kept == by_hand
    assert (study / PEOPLE).read_text(encoding="utf-8").splitlines()[1].startswith("sub-01\tx\tM")
    backup.backup(out, tmp_path / "copy.zip")
    backup.restore(tmp_path / "copy.zip", tmp_path / "back")
    assert published_history.heads(tmp_path / "back") == published_history.heads(out)
    assert (tmp_path / "back" / study_forms.VERSIONS / f"{change['before_sha256']}.tsv").is_file()


@pytest.mark.parametrize(
    ("name", "bad_row", "words"),
    [
        (PEOPLE, {"participant_id": "sub-01", "age": "fourty"}, "age"),
        (PEOPLE, {"participant_id": "sub-01", "died_on": "31.12.2020"}, "YYYY-MM-DD"),
        ("treatments.tsv", {"participant_id": "sub-09", "date": "2020-01-01", "kind": "surgery"}, "sub-09"),
        ("treatments.tsv", {"participant_id": "sub-01", "date": "2020-01-01", "kind": "moxa"}, "kind"),
        ("function.tsv", {"participant_id": "sub-01", "date": "2030-01-01", "scale_id": "x", "grade": "1"}, "2030"),
    ],
)
def test_what_a_run_would_call_an_error_is_refused_in_its_words(
    places: tuple[Path, Path], name: str, bad_row: dict[str, str], words: str
) -> None:
    save(places, PEOPLE, {"participant_id": "sub-01"})
    before = sorted(path.read_bytes() for path in places[0].iterdir())
    with pytest.raises(SettingsError, match=rf"{words}.*Nothing was written"):
        save(places, name, bad_row)
    assert sorted(path.read_bytes() for path in places[0].iterdir()) == before
    assert len(study_forms.history(places[1])) == 1


def test_rows_are_counted_as_the_form_shows_them_and_a_new_doubt_is_said_with_the_save(
    places: tuple[Path, Path],
) -> None:
    save(places, PEOPLE, {"participant_id": "sub-01"})
    operation = {"participant_id": "sub-01", "date": "2020-01-05", "kind": "surgery"}
    with pytest.raises(SettingsError, match=r"^treatments\.tsv row 2: .*2030-01-01"):
        save(places, "treatments.tsv", operation, operation | {"date": "2030-01-01"})
    words = save(places, "treatments.tsv", operation, operation | {"date": "2020-03"})
    assert "is saved; the version before is kept. To look at: treatments.tsv row 2: expected a whole date" in words
    later = operation | {"date": "2021-02-03"}
    assert "To look at" not in save(places, "treatments.tsv", operation, operation | {"date": "2020-03"}, later)


def test_a_row_put_in_or_taken_out_makes_nothing_new_of_what_stands_below_it(places: tuple[Path, Path]) -> None:
    operations = [
        {"participant_id": "sub-01", "date": day, "kind": kind}
        for day, kind in (("2019-01-05", "surgery"), ("2020-01-05", "moxa"), ("2020-03", "surgery"))
    ]
    save(places, PEOPLE, {"participant_id": "sub-01"})
    lines = ("\t".join(operation.values()) for operation in operations)
    written = "\n".join(("participant_id\tdate\tkind", *lines, ""))
    (places[0] / "treatments.tsv").write_text(written, encoding="utf-8")
    assert "To look at" not in save(places, "treatments.tsv", *operations[1:])
    assert "To look at" not in save(places, "treatments.tsv", *operations)
    again = operations[1] | {"date": "2021-01-05"}
    with pytest.raises(SettingsError, match=r"^treatments\.tsv row 5: .*moxa"):  # after an empty row, which is none
        save(places, "treatments.tsv", *operations, {"participant_id": ""}, again)


def test_a_table_that_somebody_changed_meanwhile_is_not_overwritten(places: tuple[Path, Path]) -> None:
    shown = study_forms.read(places[0], PEOPLE)
    save(places, PEOPLE, {"participant_id": "sub-01"})
    with pytest.raises(SettingsError, match="was changed since it was shown"):
        study_forms.save(places, shown, [{"participant_id": "sub-02"}], SIGNED, TODAY)
    assert "sub-02" not in (places[0] / PEOPLE).read_text(encoding="utf-8")


def test_nobody_changes_nothing_and_no_other_file(places: tuple[Path, Path]) -> None:
    with pytest.raises(SettingsError, match="is as it was"):
        save(places, PEOPLE)
    save(places, PEOPLE, {"participant_id": "sub-01"})
    with pytest.raises(SettingsError, match="is as it was"):
        save(places, PEOPLE, {"participant_id": "sub-01"})
    shown = study_forms.read(places[0], PEOPLE)
    with pytest.raises(SettingsError, match="the name of the person"):
        study_forms.save(places, shown, [], Signature(" ", "", SIGNED.at), TODAY)
    for name in (
        "../secret.tsv",
        "dataset_description.json",
        "sub-01/../../x_sessions.tsv",
        "sub-01/sub-02_sessions.tsv",
    ):
        with pytest.raises(SettingsError, match="a table that forms change"):
            study_forms.read(places[0], name)


def test_a_table_that_a_form_would_damage_is_left_to_hands(places: tuple[Path, Path]) -> None:
    table = places[0] / PEOPLE
    for content in (b"participant_id\tsex\nsub-01\tF\tx\n", b"participant_id\tsex\tsex\n", b"participant_id\xff\n"):
        table.write_bytes(content)
        with pytest.raises(InputError):
            study_forms.read(places[0], PEOPLE)


def test_cells_that_a_spreadsheet_would_run_or_that_hold_tabs_do_no_harm(places: tuple[Path, Path]) -> None:
    save(places, PEOPLE, {"participant_id": "sub-01", "histology": "=cmd()\tx\ny", "centre": "<script>"})
    lines = (places[0] / PEOPLE).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert len(lines[0].split("\t")) == len(lines[1].split("\t"))
    assert not any(text.startswith("=") for text in lines[1].split("\t"))
    assert append_only.read(places[1], study_forms.RECORD, dict).unusable == ()
