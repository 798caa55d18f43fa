"""What is sealed, copied, lost and lapsed, at the limit of each rule. About a second."""

from __future__ import annotations

import hashlib
import hmac
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.records import JournalEntry, JournalHead
from pipeline.errors import InputError, SettingsError, StoreError
from pipeline.journal import (
    act_file,
    append_only,
    backup,
    cohort_file,
    decisions,
    journal_key,
    published_history,
)
from pipeline.journal.decisions import ActKind, Standing, decide, standing

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
P = "sub-01"


# Lines, seals and copies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "is_key"), [(16, True), (15, False)])
def test_a_key_has_sixteen_bytes_at_least(
    length: int, is_key: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_bytes(b" " + b"k" * length + b"\n")
    monkeypatch.setenv(journal_key.KEY_FILE, str(tmp_path / "key"))
    if is_key:
        assert append_only.SEAL in append_only.sealed({}, "")
    else:
        with pytest.raises(StoreError, match="at least 16 bytes, found 15"):
            append_only.sealed({}, "")


def write(out: Path, *lines: dict[str, Any]) -> None:
    with append_only.writing(out, "journal/x.jsonl") as added:
        added.extend(lines)


def test_lines_are_numbered_from_one_and_blank_ones_are_none(tmp_path: Path) -> None:
    first = append_only.sealed({"n": 1}, "")
    second = append_only.sealed({"n": 2}, first["entry_id"])
    lost = append_only.sealed({"n": 3}, "somewhere else")
    write(tmp_path, first, second)
    path = tmp_path / "journal/x.jsonl"
    path.write_bytes(path.read_bytes() + b"\n  \nbroken\n")
    write(tmp_path, lost)
    chain = append_only.read(tmp_path, "journal/x.jsonl", lambda fields: fields["n"])
    assert chain.entries == (1, 2, 3)
    assert [one.split(":")[0] for one in chain.unusable] == ["journal/x.jsonl line 5"]
    assert chain.missing == (
        f"journal/x.jsonl line 6: expected the line before it to be somewhere else, found {second['entry_id']}",
    )
    assert chain.last == lost["entry_id"]
    assert len(first["entry_id"]) == 16


def test_what_is_published_is_counted_in_lines_and_bytes(tmp_path: Path) -> None:
    write(tmp_path, append_only.sealed({"n": 1}, ""), append_only.sealed({"n": 2}, "a"))
    (head,) = published_history.heads(tmp_path)
    content = (tmp_path / "journal/x.jsonl").read_bytes()
    assert (head.file, head.line_count, head.size_bytes) == ("journal/x.jsonl", 2, len(content))
    assert published_history.lost(tmp_path, [head]) == ()
    write(tmp_path, append_only.sealed({"n": 3}, "b"))
    assert published_history.lost(tmp_path, [head]) == (), "it only grew"
    path = tmp_path / "journal/x.jsonl"
    path.write_bytes(content[:-1])
    assert published_history.lost(tmp_path, [head])[0].difference == "expected at least 2 lines, found 1 line"
    path.write_bytes(b"y" + content[1:])
    assert "its first 2 lines are not those" in published_history.lost(tmp_path, [head])[0].difference
    path.unlink()
    gone = published_history.lost(tmp_path, [replace(head, line_count=1)])
    assert gone[0].difference == "expected 1 line, found no such file"


def test_a_loss_is_accepted_for_its_file_and_content_alone(tmp_path: Path) -> None:
    heads = [JournalHead(f"journal/{file}.jsonl", 1, 9, sha) for file, sha in (("a", "1" * 64), ("b", "2" * 64))]
    assert published_history.accept(tmp_path, heads, who="A", reason="disk", at=AT) == 2
    assert published_history.lost(tmp_path, heads) == ()
    assert len(published_history.lost(tmp_path, [replace(heads[0], sha256="3" * 64)])) == 1
    lines = append_only.read(tmp_path, published_history.FILE, published_history._accepted)
    assert lines.missing == ()
    for who, why in (("", "disk"), ("A", " ")):
        with pytest.raises(SettingsError, match="expected who says so and why"):
            published_history.accept(tmp_path, heads, who=who, reason=why, at=AT)


@pytest.mark.parametrize(("length", "is_name"), [(80, True), (81, False), (1, True), (0, False)])
def test_a_saved_cohort_has_a_name_of_one_to_eighty_characters(length: int, is_name: bool, tmp_path: Path) -> None:
    def save() -> cohort_file.SavedCohort:
        return cohort_file.save(tmp_path, "n" * length, {"f": ["1"]}, 3, who="A", at=AT)

    if is_name:
        assert save().patient_count == 3
    else:
        with pytest.raises(SettingsError, match="a name of 1 to 80 characters"):
            save()


def test_a_cohort_that_was_deleted_is_off_the_list_and_its_name_free(tmp_path: Path) -> None:
    first = cohort_file.save(tmp_path, "One", {"f": ["1"]}, 3, who="A", at=AT)
    second = cohort_file.save(tmp_path, "Two", {"f": ["1"]}, 3, who="A", at=AT)
    with pytest.raises(SettingsError, match="another one has this name"):
        cohort_file.save(tmp_path, "oNE", {"f": ["1"]}, 3, who="A", at=AT)
    cohort_file.delete(tmp_path, first.entry_id, who="A", at=AT)
    assert cohort_file.read(tmp_path).cohorts == (second,)
    cohort_file.save(tmp_path, "one", {"f": ["1"]}, 3, who="A", at=AT)
    with pytest.raises(SettingsError, match="somebody deleted it"):
        cohort_file.delete(tmp_path, first.entry_id, who="A", at=AT)


def packed(archive: Path, names: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for entry, content in names.items():
            file.writestr(entry, content)
    return archive


@pytest.mark.parametrize(
    ("entry", "is_copy"),
    [
        ("journal/acts.jsonl", True), ("run.toml", True), ("journal/acts.txt", False), ("journal/a/b.jsonl", False),
        ("other/acts.jsonl", False), ("/journal/acts.jsonl", False), ("journal/../acts.jsonl", False),
        ("journal/a:b.jsonl", False), ("journal/masks/x.nii", False), ("journal/masks/a/x.nii.gz", False),
    ],
)  # fmt: skip
def test_only_files_that_a_copy_has_are_put_back(entry: str, is_copy: bool, tmp_path: Path) -> None:
    archive = packed(tmp_path / "copy.zip", {entry: b"x\n"})
    if is_copy:
        assert backup.restore(archive, tmp_path / "out") == 1
        assert (tmp_path / "out" / entry).read_bytes() == b"x\n"
    else:
        with pytest.raises(InputError, match="expected a copy made by cordtrack backup"):
            backup.restore(archive, tmp_path / "out")


def test_an_empty_copy_and_one_with_a_file_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="an empty file"):
        backup.restore(packed(tmp_path / "empty.zip", {}), tmp_path)
    monkeypatch.setattr(backup, "LARGEST", 3)
    assert backup.restore(packed(tmp_path / "fits.zip", {"run.toml": b"abc"}), tmp_path) == 1
    with pytest.raises(InputError, match="damaged"):
        backup.restore(packed(tmp_path / "large.zip", {"run.toml": b"abcd"}), tmp_path)


@pytest.mark.parametrize(
    ("present", "copied", "written"),
    [(b"a\n", b"a\nb\n", 1), (b"a\nb\n", b"a\n", 0), (b"a\n", b"a\n", 0), (b"c\n", b"a\n", None)],
)  # fmt: skip
def test_the_longer_of_two_that_begin_alike_stays(
    present: bytes, copied: bytes, written: int | None, tmp_path: Path
) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal/x.jsonl").write_bytes(present)
    archive = packed(tmp_path / "copy.zip", {"journal/x.jsonl": copied})
    if written is None:
        with pytest.raises(SettingsError, match="other lines"):
            backup.restore(archive, tmp_path)
    else:
        assert backup.restore(archive, tmp_path) == written
        assert (tmp_path / "journal/x.jsonl").read_bytes() == max(present, copied, key=len)


def test_settings_of_a_later_run_stay_and_passing_files_are_no_part_of_a_copy(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal/x.jsonl").write_bytes(b"a\n")
    (tmp_path / "journal/.lock").write_bytes(b"")
    (tmp_path / "journal/notes.txt").write_bytes(b"of somebody")  # a copy with it could not be put back
    (tmp_path / "run.toml").write_bytes(b'bids_dir = "old"')
    assert backup.backup(tmp_path, tmp_path / "copy.zip") == 2
    assert backup.left_out(tmp_path) == ("journal/notes.txt",)
    (tmp_path / "run.toml").write_bytes(b"new")
    assert backup.restore(tmp_path / "copy.zip", tmp_path) == 0
    assert (tmp_path / "run.toml").read_bytes() == b"new"
    with pytest.raises(SettingsError, match="expected a journal, found none"):
        backup.backup(tmp_path / "nowhere", tmp_path / "copy.zip")


# What still stands ---------------------------------------------------------------------------------------------------


def entry(number: int, act: ActKind, **more: Any) -> JournalEntry:
    given = {"session_id": "ses-01", "compartment": "tumour", "mask_sha256": "m", **more}
    return JournalEntry(str(number), AT, "A", str(act), given.pop("patient_id", P), **given)


def test_an_acceptance_without_a_compartment_is_of_the_tumour() -> None:
    plain = entry(1, ActKind.ACCEPT_MASK, compartment=None)
    (found,) = standing([plain], {(P, "ses-01", "tumour"): "m"})
    assert found.status == Standing.IN_FORCE
    (other,) = standing([plain], {(P, "ses-01", "cyst"): "m"})
    assert "there is no such mask now" in (other.status_reason or "")


@pytest.mark.parametrize(
    ("now", "status"), [({"p"}, Standing.IN_FORCE), ({"q"}, Standing.LAPSED), (set(), Standing.LAPSED)]
)
def test_an_act_bound_to_a_piece_stands_while_the_piece_is_followed(now: set[str], status: Standing) -> None:
    act = entry(1, ActKind.WITHDRAW_LESION, component_sha256="p", lesion_id="L2")
    (found,) = standing([act], {}, None, {(P, "ses-01"): frozenset(now)})
    assert found.status == status
    assert standing([act], {}, None, None)[0].status == Standing.IN_FORCE
    assert standing([act], {}, None, {})[0].status == Standing.LAPSED


@pytest.mark.parametrize(("now", "status"), [("s", Standing.IN_FORCE), ("t", Standing.LAPSED), (None, Standing.LAPSED)])
def test_a_corrected_mask_stands_while_its_scan_is_measured_on(now: str | None, status: Standing) -> None:
    act = entry(1, ActKind.CORRECT_MASK, scan_sha256="s")
    scans = {} if now is None else {(P, "ses-01"): now}
    assert standing([act], {}, scans)[0].status == status
    assert standing([act], {}, None)[0].status == Standing.IN_FORCE


def test_an_undo_names_who_and_why_before_anything_else_is_said() -> None:
    accepted, undo = entry(1, ActKind.ACCEPT_MASK), entry(2, ActKind.UNDO, undoes="1", reason="wrong patient")
    assert standing([accepted, undo], {})[0].status_reason == "undone by A on 2024-05-06: wrong patient"
    silent = standing([accepted, replace(undo, reason=None)], {})[0]
    assert silent.status_reason == "undone by A on 2024-05-06"


def test_what_stands_changes_results_only_where_it_can() -> None:
    entries = [
        entry(1, ActKind.ACCEPT_MASK), entry(2, ActKind.COMMENT, reason="x"),
        entry(3, ActKind.EXCLUDE_VISIT, reason="y", mask_sha256=None),
        entry(4, ActKind.UNDO, undoes="3"), entry(5, ActKind.PIN_BASELINE, patient_id="sub-02", mask_sha256=None),
        entry(6, ActKind.NOTE, reason="n"), entry(7, ActKind.DECISION, reason="d"),
        entry(8, ActKind.EXCLUDE_MASK, reason="z"),
    ]  # fmt: skip
    assert [one.entry_id for one in decisions.effective(entries, P)] == ["1", "8"]
    stands = decide(standing(entries, {(P, "ses-01", "tumour"): "m"}))
    assert stands.why_excluded("ses-01", "tumour") == "mask excluded by A on 2024-05-06: z"
    assert stands.why_excluded("ses-01", "cyst") is None
    assert stands.pinned == {"ses-01": "A on 2024-05-06"}


def test_a_withdrawn_lesion_is_known_from_the_day_it_was_written() -> None:
    act = entry(1, ActKind.WITHDRAW_LESION, reason="necrosis", lesion_id="L2", mask_sha256=None)
    (gone,) = decide(standing([act])).withdrawn
    assert (gone.withdrawn_on, gone.words) == (date(2024, 5, 6), "new lesion withdrawn by A on 2024-05-06: necrosis")


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        ("board 2024-02-30: x", "comment", "board 2024-02-30: x"),
        ("board 2024-02-29: x", "note", "x"),
        ("board 2024-02-29: decided: x", "decision", "x"),
        ("the board 2024-02-29: x", "comment", "the board 2024-02-29: x"),
    ],
)
def test_an_old_heading_is_understood_only_where_its_day_is_one(words: str, kind: str, reason: str) -> None:
    found = decisions.understood(entry(1, ActKind.COMMENT, reason=words))
    assert (found.act, found.reason) == (kind, reason)


def test_a_digest_and_a_seal_are_those_of_the_words_as_they_are_written() -> None:
    """Journals keep the digests they were written with: another way to write letters would disown every line."""
    content = {"b": "é", "a": 1}
    text = '{"a": 1, "b": "é"}'.encode()
    assert append_only._digest(content) == hashlib.sha256(text).hexdigest()[:16]
    assert append_only._seal(content, b"k" * 16) == hmac.new(b"k" * 16, text, hashlib.sha256).hexdigest()


def test_once_a_line_was_sealed_each_later_one_has_to_be(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path_factory.mktemp("keys") / "key"
    key.write_bytes(b"k" * 16)
    lines = []
    for is_sealed in (False, True, True, False):
        monkeypatch.setenv(journal_key.KEY_FILE, str(key) if is_sealed else "")
        lines.append(append_only.sealed({"n": len(lines)}, lines[-1]["entry_id"] if lines else ""))
    write(tmp_path, *lines)
    monkeypatch.setenv(journal_key.KEY_FILE, str(key))
    chain = append_only.read(tmp_path, "journal/x.jsonl", lambda fields: fields["n"])
    assert (chain.entries, chain.missing) == ((0, 1, 2), ())
    assert chain.unusable == ("journal/x.jsonl line 4: expected a seal as on the lines before it, found none",)
    monkeypatch.setenv(journal_key.KEY_FILE, "")
    assert len(append_only.read(tmp_path, "journal/x.jsonl", lambda fields: fields["n"]).entries) == 4


COHORT = {
    "written_at": "2024-05-06T07:08:09Z", "who": "A", "act": "save", "name": "n", "filters": {}, "patient_count": 3,
}  # fmt: skip


@pytest.mark.parametrize("gone", cohort_file.REQUIRED[2:])
def test_a_line_of_a_cohort_that_lacks_a_field_has_no_effect(gone: str, tmp_path: Path) -> None:
    with append_only.writing(tmp_path, cohort_file.FILE) as added:
        added.append(append_only.sealed({name: value for name, value in COHORT.items() if name != gone}, ""))
    saved = cohort_file.read(tmp_path)
    assert (saved.cohorts, len(saved.problems)) == ((), 1)


@pytest.mark.parametrize("wrong", [{"filters": []}, {"patient_count": "3"}, {"act": "keep"}])
def test_a_line_of_a_cohort_of_another_kind_has_no_effect(wrong: dict[str, Any], tmp_path: Path) -> None:
    with append_only.writing(tmp_path, cohort_file.FILE) as added:
        added.append(append_only.sealed(COHORT | wrong, ""))
    assert (cohort_file.read(tmp_path).cohorts, len(cohort_file.read(tmp_path).problems)) == ((), 1)


def test_an_act_that_says_all_it_may_is_read_and_one_that_says_more_is_of_another_version() -> None:
    all_fields = dict.fromkeys((*act_file.REQUIRED, *act_file.OPTIONAL), "x")
    all_fields |= {"written_at": "2024-05-06T07:08:09Z", "act": "note", "meeting_on": "2024-05-06"}
    assert act_file._entry(all_fields).meeting_on == date(2024, 5, 6)
    with pytest.raises(ValueError, match="of another version"):
        act_file._entry({**all_fields, "further": "x"})
    with pytest.raises(ValueError, match="expected the fields"):
        act_file._entry({name: value for name, value in all_fields.items() if name != "who"})


def test_the_first_line_makes_the_folders_that_it_needs(tmp_path: Path) -> None:
    write(tmp_path / "new" / "out", append_only.sealed({"n": 1}, ""))
    assert (tmp_path / "new/out/journal/x.jsonl").is_file()
