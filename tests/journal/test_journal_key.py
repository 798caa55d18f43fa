"""A key beside what it protects is refused, however its place is written; elsewhere it is taken, from any folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.journal import act_file, backup, journal_key
from pipeline.journal.decisions import Act, ActKind
from tests.command import cordtrack
from tests.journal.test_published_history import AT, VISIT, VOLUMES
from tests.study_folder import run_of_numbers

REFUSED = "outside of the (output folder|study)"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study, its output and an act on record."""
    folder = tmp_path_factory.mktemp("studies")
    run_of_numbers(folder, VOLUMES)
    comment(folder / "out")
    return folder


def comment(out: Path) -> None:
    act_file.append(out, [Act(ActKind.COMMENT, "sub-p1", VISIT, reason="x")], "A. Reader", AT)


def plain(folder: Path, inside: Path) -> str:
    (inside / "key").write_bytes(b"k" * 32)
    return str(inside / "key")


def by_way_of_another_folder(folder: Path, inside: Path) -> str:
    return str(folder / "elsewhere/.." / Path(plain(folder, inside)).relative_to(folder))


def relative(folder: Path, inside: Path) -> str:
    return os.path.relpath(plain(folder, inside))


def link_to_it(folder: Path, inside: Path) -> str:
    (folder / "elsewhere/link").unlink(missing_ok=True)
    (folder / "elsewhere/link").symlink_to(plain(folder, inside))
    return str(folder / "elsewhere/link")


def link_in_it(folder: Path, inside: Path) -> str:
    """A file elsewhere that a link in the folder names: whatever copies the folder follows the link."""
    (folder / "elsewhere/key").write_bytes(b"k" * 32)
    (inside / "link").unlink(missing_ok=True)
    (inside / "link").symlink_to(folder / "elsewhere/key")
    return str(inside / "link")


def link_to_its_folder(folder: Path, inside: Path) -> str:
    plain(folder, inside)
    (folder / "elsewhere/folder").unlink(missing_ok=True)
    (folder / "elsewhere/folder").symlink_to(inside)
    return str(folder / "elsewhere/folder/key")


@pytest.mark.parametrize("inside", ["out", "out/journal", "study", "study/sub-p1"])
@pytest.mark.parametrize(
    "place", [plain, by_way_of_another_folder, relative, link_to_it, link_in_it, link_to_its_folder]
)
def test_a_key_in_output_or_study_is_refused_before_anything_is_read_or_written(
    place: Callable[[Path, Path], str], inside: str, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (study / "elsewhere").mkdir(exist_ok=True)
    (study / inside).mkdir(exist_ok=True)
    named = place(study, study / inside)
    monkeypatch.setenv(journal_key.KEY_FILE, named)
    before = (study / "out" / act_file.FILE).read_bytes()
    with pytest.raises(StoreError, match=REFUSED):
        comment(study / "out")
    with pytest.raises(StoreError, match=REFUSED):
        act_file.read(study / "out")
    with pytest.raises(StoreError, match=REFUSED):
        backup.backup(study / "out", study / "copy.zip")
    assert (study / "out" / act_file.FILE).read_bytes() == before
    assert not (study / "copy.zip").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "study", "out"),
        ("run", "study", "fresh"),
        ("serve", "study", "fresh2"),
        ("dashboard", "out"),
        ("journal", "verify", "out"),
        ("journal", "accept", "out", "--reason", "x"),
        ("backup", "out", "copy.zip"),
    ],
)
def test_each_command_refuses_it_in_one_sentence(
    words: tuple[str, ...], study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (study / "study/key").write_bytes(b"k" * 32)
    monkeypatch.setenv(journal_key.KEY_FILE, str(study / "study/key"))
    monkeypatch.chdir(study)
    told = cordtrack(*words, expect=2)
    assert "expected the journal's key" in told
    assert "outside of the study" in told
    assert "move the file to a folder of its own" in told
    (study / "study/key").unlink()


def test_a_key_elsewhere_is_taken_and_its_lines_stand_when_it_is_moved(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/key").write_bytes(b"k" * 32)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(journal_key.KEY_FILE, "keys/key")
    comment(study / "out")
    (tmp_path / "keys").rename(tmp_path / "moved")
    monkeypatch.setenv(journal_key.KEY_FILE, str(tmp_path / "moved/key"))
    assert not act_file.read(study / "out").findings


def test_a_key_beside_a_folder_whose_name_begins_alike_is_taken(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (study / "output").mkdir(exist_ok=True)
    monkeypatch.setenv(journal_key.KEY_FILE, plain(study, study / "output"))
    journal_key.check_place(study / "out")


def test_programs_that_stand_elsewhere_are_given_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(journal_key.KEY_FILE, "key")
    journal_key.name_in_full()
    assert os.environ[journal_key.KEY_FILE] == str(tmp_path / "key")


@pytest.mark.parametrize("settings", ["", "bids_dir = 3\n", "bids_dir = ''\n", "not toml"])
def test_an_output_folder_that_does_not_say_its_study_is_refused_in_words(
    settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/run.toml").write_text(settings, encoding="utf-8")
    monkeypatch.setenv(journal_key.KEY_FILE, plain(tmp_path, tmp_path))
    with pytest.raises(StoreError, match=r"run\.toml: expected .* take (the file|it) away and run again"):
        act_file.read(tmp_path / "out")


def test_a_key_of_links_that_lead_to_one_another_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    monkeypatch.setenv(journal_key.KEY_FILE, str(tmp_path / "one"))
    with pytest.raises(StoreError, match="expected the journal's key"):
        journal_key.check_place(tmp_path / "out")
