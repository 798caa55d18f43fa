"""Rows of the imported table that somebody moves, takes out or adds rename no scan and move no act. A minute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.journal import act_file, decisions, sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.store import reader
from pipeline.study.imported_table import IMPORTED_TABLE
from tests.run.test_second_scan_of_a_day import AFTERNOON, AT, FIRST, HEAD, MORNING, PLAIN, put, run_again, sizes

NIGHT = "p1,2021-01-01T22:30,tumour,1450,0.05\n"
Lines = list[str]


def edit(study: Path, change: Callable[[Lines], Lines]) -> None:
    table = study / IMPORTED_TABLE
    header, *lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text(header + "".join(change(lines)), encoding="utf-8")


def without_names(study: Path) -> None:
    """Make the table one of an earlier version, which has no column of names."""
    table = study / IMPORTED_TABLE
    lines = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    place = lines[0].index("session_id")
    text = "\n".join("\t".join(cells[:place] + cells[place + 1 :]) for cells in lines)
    table.write_text(f"{text}\n", encoding="utf-8")


def imported_apart(study: Path, *lines: str) -> None:
    for line in lines:
        put(study, line)


@pytest.mark.parametrize(
    "order", [(MORNING, AFTERNOON, NIGHT), (NIGHT, MORNING, AFTERNOON), (AFTERNOON, NIGHT, MORNING)]
)
def test_another_order_of_the_rows_changes_no_name_and_a_row_taken_out_takes_only_its_own(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    study = tmp_path / "study"
    imported_apart(study, *order)
    before = sizes(study)
    assert PLAIN in before
    assert len(before) == 3
    edit(study, lambda lines: lines[::-1])
    assert sizes(study) == before
    edit(study, lambda lines: [*lines[1:], lines[0]])
    assert sizes(study) == before
    edit(study, lambda lines: [line for line in lines if f"\t{PLAIN}\t" not in line])
    assert sizes(study) == {name: size for name, size in before.items() if name != PLAIN}
    put(study, order[0])
    assert sizes(study) != before
    assert len(sizes(study)) == 3
    kept = {name: size for name, size in before.items() if name != PLAIN}
    assert kept.items() <= sizes(study).items(), "imported again it bears its time, and the others their names"


def test_a_row_without_a_name_that_is_added_by_hand_takes_no_name_of_another(tmp_path: Path) -> None:
    study = tmp_path / "study"
    put(study, AFTERNOON)
    before = sizes(study)

    def by_hand(lines: Lines) -> Lines:
        cells = lines[0].replace("16:10", "05:00").replace("1500", "9").rstrip("\n").split("\t")
        names = (study / IMPORTED_TABLE).read_text(encoding="utf-8").splitlines()[0].split("\t")
        cells[names.index("session_id")] = cells[names.index("source")] = "n/a"
        return ["\t".join(cells) + "\n", *lines]

    edit(study, by_hand)
    assert sizes(study) == {**before, f"{PLAIN}t050000": 9}


def test_a_copied_name_is_borne_by_one_scan_only_and_one_of_another_day_or_time_by_none(tmp_path: Path) -> None:
    study = tmp_path / "study"
    put(study, MORNING, AFTERNOON)
    edit(study, lambda lines: [line.replace("t161000", "t083000") for line in lines])
    assert sizes(study) == {f"{PLAIN}t083000": 1600, f"{PLAIN}t161000": 1500}
    edit(study, lambda lines: [line.replace("2021-01-01T08:30", "2021-02-03T08:30") for line in lines])
    assert sizes(study) == {PLAIN: 1500, "ses-imported20210203": 1600}


def test_a_table_of_an_earlier_version_reads_as_it_did_and_rows_can_be_added(tmp_path: Path) -> None:
    study = tmp_path / "study"
    imported_apart(study, AFTERNOON, MORNING)
    before = sizes(study)
    without_names(study)
    assert sizes(study) == before
    put(study, NIGHT)
    assert sizes(study) == {**before, f"{PLAIN}t223000": 1450}


def excluded(out: Path) -> set[str]:
    """Return the visits that are left out."""
    rows = reader.table(reader.database_path(out), "measurement")
    gone = rows[rows["missing_reason"].astype("string").str.startswith("visit excluded", na=False)]
    return set(gone["session_id"])


@pytest.mark.parametrize("is_old", [False, True])
def test_an_act_stays_with_its_scan_where_names_change_and_lapses_where_the_scan_is_gone(
    tmp_path: Path, is_old: bool
) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    put(study, FIRST.removeprefix(HEAD), MORNING)
    put(study, AFTERNOON)
    if is_old:
        without_names(study)
    run_again(study, out)
    sign_off.put_on_record(out, [Act(ActKind.EXCLUDE_VISIT, "sub-p1", PLAIN, reason="moved")], "A. Reader", AT)
    edit(study, lambda lines: lines[::-1])
    codes = {one.code for one in run_again(study, out)}
    assert excluded(out) == {f"{PLAIN}t083000" if is_old else PLAIN}
    assert not codes & {"act_lapsed", "act_without_effect"}
    measured = reader.table(reader.database_path(out), "measurement").set_index("session_id")
    assert 1500 in set(measured["volume_mm3"]), "the afternoon's scan, on which nobody said anything, counts"
    edit(study, lambda lines: [line for line in lines if "T08:30" not in line])
    codes = {one.code for one in run_again(study, out)}
    assert excluded(out) == set()
    assert "act_lapsed" in codes
    assert standing_of(out) == ("lapsed", decisions.OTHER_SCAN if is_old else decisions.NO_VISIT)


def standing_of(out: Path) -> tuple[str, str]:
    """Return what is published of the only act, and why."""
    rows = reader.query(reader.database_path(out), "patient_journal", patient_id="sub-p1")
    ((status, reason),) = rows[["status", "status_reason"]].itertuples(index=False, name=None)
    return status, reason


def test_a_pin_on_a_row_that_was_taken_out_lapses_and_stands_again_with_its_row(tmp_path: Path) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    put(study, FIRST.removeprefix(HEAD), "p1,2021-03-01,tumour,1600,0.05\n")
    run_again(study, out)
    pin = Act(ActKind.PIN_BASELINE, "sub-p1", "ses-imported20210301", reason="new protocol")
    sign_off.put_on_record(out, [pin], "A. Reader", AT)
    run_again(study, out)
    assert standing_of(out)[0] == "in_force"
    text = (study / IMPORTED_TABLE).read_text(encoding="utf-8")
    edit(study, lambda lines: [line for line in lines if "2021-03-01" not in line])
    (lapsed,) = (one for one in run_again(study, out) if one.code == "act_lapsed")
    assert f"pin baseline by A. Reader on {AT:%Y-%m-%d} has no effect: {decisions.NO_VISIT}" in lapsed.message
    assert standing_of(out) == ("lapsed", decisions.NO_VISIT)
    assert "decision lapsed" in set(reader.table(reader.database_path(out), "review")["kind"])
    (study / IMPORTED_TABLE).write_text(text, encoding="utf-8")
    run_again(study, out)
    assert standing_of(out)[0] == "in_force"


def test_an_act_that_is_bound_to_no_time_counts_as_before(tmp_path: Path) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    put(study, FIRST.removeprefix(HEAD), MORNING)
    act_file.append(out, [Act(ActKind.EXCLUDE_VISIT, "sub-p1", PLAIN, reason="moved")], "A. Reader", AT)
    assert "act_lapsed" not in {one.code for one in run_again(study, out)}
    assert excluded(out) == {PLAIN}
