"""The journal of human acts as a file: only added to, torn lines said, several writers at once. About 10 s alone."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.errors import SettingsError, StoreError
from pipeline.journal import act_file
from pipeline.journal.decisions import Act, ActKind
from tests.places import ROOT

AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
COMMENT = Act(ActKind.COMMENT, "sub-01", "ses-02", reason="scar, not tumour; élève")
EXCLUSION = Act(ActKind.EXCLUDE_VISIT, "sub-01", "ses-02", reason="moved in the scanner")

WRITER = """
import sys
from datetime import datetime
from pathlib import Path
from pipeline.journal import act_file as journal
from pipeline.journal.decisions import Act, ActKind
for number in range(20):
    act = Act(ActKind.COMMENT, "sub-01", reason=f"{sys.argv[2]} {number}")
    journal.append(Path(sys.argv[1]), [act], sys.argv[2], datetime(2024, 5, 6))
"""


def codes(out_dir: Path) -> list[str]:
    return [finding.code for finding in act_file.read(out_dir).findings]


def test_nothing_written_is_an_empty_journal(tmp_path: Path) -> None:
    assert act_file.read(tmp_path) == act_file.Journal()
    assert not list(tmp_path.iterdir())


def test_what_is_written_is_read_back_in_order_and_stays_readable_by_people(tmp_path: Path) -> None:
    first = act_file.append(tmp_path, [COMMENT, EXCLUSION], " R. Reader ", AT)
    undo = Act(ActKind.UNDO, "sub-01", undoes=first[1].entry_id, reason="right after all")
    second = act_file.append(tmp_path, [undo], "S. Surgeon", AT)
    found = act_file.read(tmp_path)
    assert (found.entries, found.findings) == ((*first, *second), ())
    assert [entry.who for entry in found.entries] == ["R. Reader", "R. Reader", "S. Surgeon"]
    lines = (tmp_path / act_file.FILE).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["reason"] == "scar, not tumour; élève"
    assert "élève" in lines[0]
    assert json.loads(lines[0])["written_at"] == "2024-05-06T07:08:09Z"


def test_two_equal_acts_are_two_entries(tmp_path: Path) -> None:
    one, other = act_file.append(tmp_path, [COMMENT, COMMENT], "R", AT)
    assert one.entry_id != other.entry_id


def test_a_refused_act_writes_nothing_not_even_those_before_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected reason"):
        act_file.append(tmp_path, [COMMENT, Act(ActKind.EXCLUDE_VISIT, "sub-01", "ses-02")], "R", AT)
    assert act_file.read(tmp_path).entries == ()


@pytest.mark.parametrize("kept_bytes", [1, 40, -1])
def test_a_torn_last_line_is_said_and_the_next_entry_stands_on_a_line_of_its_own(
    tmp_path: Path, kept_bytes: int
) -> None:
    first = act_file.append(tmp_path, [COMMENT], "R", AT)
    path = tmp_path / act_file.FILE
    whole = path.read_bytes()
    path.write_bytes(whole + whole.rstrip(b"\n")[:kept_bytes])
    assert (act_file.read(tmp_path).entries, codes(tmp_path)) == (first, ["journal_line_unusable"])
    second = act_file.append(tmp_path, [EXCLUSION], "R", AT)
    found = act_file.read(tmp_path)
    assert found.entries == first + second
    assert [finding.code for finding in found.findings] == ["journal_line_unusable"]
    assert found.findings[0].message.startswith("journal/acts.jsonl line 2: expected one JSON object, found a line")


def test_a_last_line_that_lost_only_its_end_of_line_still_counts(tmp_path: Path) -> None:
    first = act_file.append(tmp_path, [COMMENT], "R", AT)
    path = tmp_path / act_file.FILE
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    second = act_file.append(tmp_path, [EXCLUSION], "R", AT)
    assert act_file.read(tmp_path) == act_file.Journal(first + second)


def test_a_changed_line_has_no_effect_and_a_lost_one_is_noticed(tmp_path: Path) -> None:
    act_file.append(tmp_path, [COMMENT, EXCLUSION, COMMENT], "R", AT)
    path = tmp_path / act_file.FILE
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([lines[0], lines[1].replace("moved", "was still"), lines[2]]), encoding="utf-8")
    assert codes(tmp_path) == ["journal_line_unusable", "journal_line_missing"]
    assert [entry.act for entry in act_file.read(tmp_path).entries] == ["comment", "comment"]
    path.write_text("".join([lines[0], lines[2]]), encoding="utf-8")
    assert codes(tmp_path) == ["journal_line_missing"]


def test_several_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    names = ["one", "two", "three"]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], cwd=ROOT) for name in names]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    found = act_file.read(tmp_path)
    assert found.findings == ()
    for name in names:
        assert [e.reason for e in found.entries if e.who == name] == [f"{name} {number}" for number in range(20)]


def test_a_journal_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="the journal cannot be written"):
        act_file.append(tmp_path, [COMMENT], "R", AT)
