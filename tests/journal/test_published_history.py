"""What people did cannot go missing unseen: a shorter or other journal is refused, a known loss is said on record."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.errors import InputError, SettingsError, StoreError
from pipeline.journal import act_file, append_only, backup, drawn_masks, journal_key, lesion_names, published_history
from pipeline.journal.decisions import Act, ActKind
from pipeline.store import reader
from tests.command import cordtrack
from tests.study_folder import run_of_numbers

AT = datetime.fromisoformat("2026-05-03T12:00:00")
VOLUMES = (
    "patient_id,date,compartment,volume_mm3,volume_cv\np1,2020-01-01,tumour,1000,0.05\np1,2021-01-01,tumour,1600,0.05\n"
)
VISIT = "ses-imported20210101"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study without images, on which two acts were put on record and have taken effect."""
    folder = tmp_path_factory.mktemp("published")
    run_of_numbers(folder, VOLUMES)
    for reason in ("moved", "and again"):
        act_file.append(folder / "out", [Act(ActKind.COMMENT, "sub-p1", VISIT, reason=reason)], "A. Reader", AT)
    cordtrack("run", folder / "study", folder / "out", "--jobs", "1", "--as-of", "2022-01-01")
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "copy"))


def run(folder: Path, expect: int = 0) -> str:
    return cordtrack("run", folder / "study", folder / "out", "--jobs", "1", "--as-of", "2022-01-01", expect=expect)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n")


def remove(path: Path) -> None:
    path.unlink()


def write_anew(path: Path) -> None:
    """What somebody would do who knows how the lines are made: change one, and give all new digests."""
    lines, last = [], ""
    for line in path.read_text().splitlines():
        fields = json.loads(line)
        content = {name: value for name, value in fields.items() if name not in ("entry_id", "previous")}
        lines.append(append_only.sealed({**content, "reason": "other words"}, last))
        last = lines[-1]["entry_id"]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


HARM = {
    cut: "expected at least 2 lines, found 1 line",
    remove: "expected 2 lines, found no such file",
    write_anew: "its first 2 lines are not those that were published",
}


@pytest.mark.parametrize("harm", HARM)
def test_a_journal_that_lost_what_was_published_is_refused_and_the_results_stand(folder: Path, harm) -> None:
    before = reader.fingerprint(folder / "out" / "cordtrack.duckdb")
    harm(folder / "out" / act_file.FILE)
    spoken = run(folder, expect=2)
    assert f"journal/acts.jsonl: {HARM[harm]}" in spoken
    assert "nothing was published" in spoken
    assert HARM[harm] in cordtrack("journal", "verify", folder / "out", expect=1)
    assert reader.fingerprint(folder / "out" / "cordtrack.duckdb") == before


@pytest.mark.parametrize("harm", HARM)
def test_both_remedies_help_and_an_accepted_loss_stays_on_record(folder: Path, harm) -> None:
    out = folder / "out"
    cordtrack("backup", out, folder / "copy.zip")
    harm(out / act_file.FILE)
    if harm is write_anew:
        with pytest.raises(SettingsError, match="one with other lines"):
            backup.restore(folder / "copy.zip", out)
        (out / act_file.FILE).rename(folder / "given_up.jsonl")
    cordtrack("restore", folder / "copy.zip", out)
    run(folder)
    assert "whole" in cordtrack("journal", "verify", out)

    harm(out / act_file.FILE)
    cordtrack("journal", "accept", out, "--who", "A. Reader", "--reason", "the disk was lost")
    run(folder)
    assert "the disk was lost" in (out / published_history.FILE).read_text()
    with pytest.raises(SettingsError, match="nothing to accept"):
        published_history.accept(out, published_history.heads(out), who="B", reason="again", at=AT)


def test_a_journal_that_only_grew_is_whole(folder: Path) -> None:
    out = folder / "out"
    published_heads = reader.journal_heads(out / "cordtrack.duckdb")
    assert [(head.file, head.line_count) for head in published_heads] == [("journal/acts.jsonl", 2)]
    act_file.append(out, [Act(ActKind.COMMENT, "sub-p1", VISIT, reason="a third")], "B. Reader", AT)
    published_history.check(out, published_heads)
    run(folder)
    assert reader.journal_heads(out / "cordtrack.duckdb")[0].line_count == 3


def test_an_acceptance_needs_a_name_and_a_reason_and_covers_one_loss_only(folder: Path) -> None:
    out = folder / "out"
    heads = reader.journal_heads(out / "cordtrack.duckdb")
    remove(out / act_file.FILE)
    for who, reason in ((" ", "lost"), ("A", " ")):
        with pytest.raises(SettingsError, match="who says so and why"):
            published_history.accept(out, heads, who=who, reason=reason, at=AT)
    published_history.accept(out, heads, who="A", reason="lost", at=AT)
    act_file.append(out, [Act(ActKind.COMMENT, "sub-p1", VISIT, reason="later")], "B. Reader", AT)
    later = published_history.heads(out)
    published_history.check(out, heads)
    remove(out / act_file.FILE)
    with pytest.raises(StoreError, match="found no such file"):
        published_history.check(out, later)


@pytest.fixture
def key(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_bytes(b"k" * 32)
    monkeypatch.setenv(journal_key.KEY_FILE, str(path))
    return path


def comment(out: Path, words: str) -> None:
    act_file.append(out, [Act(ActKind.COMMENT, "sub-p1", "ses-1", reason=words)], "A. Reader", AT)


def test_with_a_key_a_line_written_anew_is_noticed_though_all_digests_fit(tmp_path: Path, key: Path) -> None:
    for words in ("one", "two"):
        comment(tmp_path, words)
    assert not act_file.read(tmp_path).findings
    key.write_bytes(b"another key, of somebody else")
    write_anew(tmp_path / act_file.FILE)
    key.write_bytes(b"k" * 32)
    journal = act_file.read(tmp_path)
    assert not journal.entries
    assert all("its seal does not fit" in row.message for row in journal.findings)


def test_lines_from_before_there_was_a_key_stand_and_later_ones_need_a_seal(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    comment(tmp_path, "before")
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_bytes(b"k" * 32)
    monkeypatch.setenv(journal_key.KEY_FILE, str(path))
    comment(tmp_path, "sealed")
    monkeypatch.delenv(journal_key.KEY_FILE)
    comment(tmp_path, "without")
    assert len(act_file.read(tmp_path).entries) == 3  # without the key nobody can tell
    monkeypatch.setenv(journal_key.KEY_FILE, str(path))
    journal = act_file.read(tmp_path)
    assert [entry.reason for entry in journal.entries] == ["before", "sealed"]
    assert "line 3: expected a seal as on the lines before it, found none" in journal.findings[0].message


def test_a_key_that_is_gone_or_short_is_refused_before_anything_is_written(tmp_path: Path, key: Path) -> None:
    key.write_bytes(b"short")
    with pytest.raises(StoreError, match="at least 16 bytes, found 5"):
        comment(tmp_path, "x")
    key.unlink()
    with pytest.raises(StoreError, match="expected the journal's key"):
        comment(tmp_path, "x")
    assert not (tmp_path / act_file.FILE).is_file()


def test_a_copy_holds_all_and_comes_back_as_it_was(folder: Path, tmp_path: Path) -> None:
    out, fresh = folder / "out", tmp_path / "fresh"
    mask = b"a mask"
    name = drawn_masks.relative_path(hashlib.sha256(mask).hexdigest())
    (out / name).parent.mkdir()
    (out / name).write_bytes(mask)
    assert backup.backup(out, tmp_path / "copy.zip") == 3
    assert backup.restore(tmp_path / "copy.zip", fresh) == 3
    for file in ("journal/acts.jsonl", name, "run.toml"):
        assert (fresh / file).read_bytes() == (out / file).read_bytes()
    assert backup.restore(tmp_path / "copy.zip", fresh) == 0


def test_an_older_copy_never_takes_later_lines_away_and_mends_what_is_gone(folder: Path, tmp_path: Path) -> None:
    out = folder / "out"
    (out / lesion_names.FILE).write_text("a name\n")
    backup.backup(out, tmp_path / "copy.zip")
    copied = (out / act_file.FILE).read_bytes()
    (out / lesion_names.FILE).write_text("a name\nanother, of a later run\n")
    act_file.append(out, [Act(ActKind.COMMENT, "sub-p1", VISIT, reason="later")], "B. Reader", AT)
    kept = (out / act_file.FILE).read_bytes()
    assert backup.restore(tmp_path / "copy.zip", out) == 0
    assert (out / act_file.FILE).read_bytes() == kept
    cut(out / act_file.FILE)
    assert backup.restore(tmp_path / "copy.zip", out) == 1
    assert (out / act_file.FILE).read_bytes() == copied
    assert (out / lesion_names.FILE).read_text().endswith("of a later run\n")


def test_a_damaged_name_of_a_lesion_is_told_by_verify(folder: Path) -> None:
    (folder / "out" / lesion_names.FILE).write_text("no line of ours\n")
    assert f"{lesion_names.FILE} line 1" in cordtrack("journal", "verify", folder / "out", expect=1)


@pytest.mark.parametrize(
    "name",
    ["../evil.jsonl", "/evil.jsonl", "journal/../../x.jsonl", "journal/x.py", "cordtrack.duckdb", "journal/a/b.jsonl"],
)
def test_a_file_of_another_name_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "copy.zip", "w") as packed:
        packed.writestr("journal/acts.jsonl", "")
        packed.writestr(name, "evil")
    with pytest.raises(InputError, match="expected a copy made by cordtrack backup"):
        backup.restore(tmp_path / "copy.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_copy_and_a_changed_mask_are_refused(tmp_path: Path) -> None:
    (tmp_path / "copy.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="damaged"):
        backup.restore(tmp_path / "copy.zip", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "copy.zip", "w") as packed:
        packed.writestr(drawn_masks.relative_path("a" * 64), "other")
    with pytest.raises(InputError, match="is not the file that was put on record"):
        backup.restore(tmp_path / "copy.zip", tmp_path / "out")


def unsealed(lines: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the lines as somebody without the key would write them anew: other words, digests that fit, no seal."""
    anew: list[dict[str, object]] = []
    for line in lines:
        content = {name: value for name, value in line.items() if name not in ("entry_id", append_only.SEAL)}
        content |= {"previous": anew[-1]["entry_id"] if anew else "", "reason": "forged"}
        anew.append({"entry_id": append_only._digest(content), **content})
    return anew


def forged_with_a_seal_that_is_none(lines: list[dict[str, object]]) -> list[dict[str, object]]:
    anew = unsealed(lines)
    content = {name: value for name, value in anew[-1].items() if name != "entry_id"} | {append_only.SEAL: "0" * 64}
    return [*anew[:-1], {"entry_id": append_only._digest(content), **content}]


def forged_before_a_true_seal(lines: list[dict[str, object]]) -> list[dict[str, object]]:
    return [*unsealed(lines[:1]), lines[-1]]


@pytest.mark.parametrize("forged", [unsealed, forged_with_a_seal_that_is_none, forged_before_a_true_seal])
def test_with_a_key_a_journal_written_anew_without_it_is_refused_though_the_results_are_gone(
    forged: Callable[[list[dict[str, object]]], list[dict[str, object]]], tmp_path: Path, key: Path
) -> None:
    for words in ("one", "two"):
        comment(tmp_path, words)
    published_history.check(tmp_path, ())
    file = tmp_path / act_file.FILE
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("".join(json.dumps(line) + "\n" for line in forged(lines)), encoding="utf-8")
    with pytest.raises(StoreError, match="lines that the journal's key did not seal"):
        published_history.check(tmp_path, ())


@pytest.fixture
def before_the_key(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """An output folder with one act on record from before there was a key, which is in use now."""
    comment(tmp_path, "before")
    request.getfixturevalue("key")
    return tmp_path


def test_a_journal_from_before_there_was_a_key_is_accepted_once_on_record_under_the_key(before_the_key: Path) -> None:
    with pytest.raises(StoreError, match="cordtrack journal accept"):
        published_history.check(before_the_key, ())
    published_history.accept(before_the_key, (), who="A", reason="a key from today on", at=AT)
    published_history.check(before_the_key, ())
    comment(before_the_key, "sealed")
    published_history.check(before_the_key, ())
    first, second = (before_the_key / act_file.FILE).read_text(encoding="utf-8").splitlines()
    (before_the_key / act_file.FILE).write_text(f"{first.replace('before', 'BEFORE')}\n{second}\n", encoding="utf-8")
    with pytest.raises(StoreError, match="did not seal"):
        published_history.check(before_the_key, ())


def test_an_act_under_the_key_vouches_for_the_lines_that_it_is_chained_to(before_the_key: Path) -> None:
    comment(before_the_key, "sealed")
    published_history.check(before_the_key, ())
