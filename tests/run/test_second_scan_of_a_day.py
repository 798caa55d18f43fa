"""A second scan of one day that is imported later renames nothing, and no act lapses for it. Half a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest

from pipeline.core.records import Finding
from pipeline.journal import act_file, sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.run.study_run import RunSettings, run
from pipeline.store import reader
from pipeline.study.import_numbers import import_table
from pipeline.study.imported_names import name_now
from pipeline.study.imported_table import IMPORTED_TABLE
from pipeline.study.study_folder import read_study
from pipeline.study.visits import StudyVisit

AS_OF = date(2026, 1, 31)
AT = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001  # the journal keeps UTC without a zone
HEAD = "patient_id,date,compartment,volume_mm3,volume_cv\n"
FIRST = f"{HEAD}p1,2020-01-01,tumour,1000,0.05\n"
MORNING = "p1,2021-01-01T08:30,tumour,1600,0.05\n"
AFTERNOON = "p1,2021-01-01T16:10,tumour,1500,0.05\n"
PLAIN = "ses-imported20210101"
BOTH = [(MORNING, AFTERNOON), (AFTERNOON, MORNING)]


def put(study: Path, *lines: str) -> None:
    table = study.parent / f"volumes{len(list(study.parent.glob('*.csv')))}.csv"
    table.write_text(HEAD + "".join(lines), encoding="utf-8")
    import_table(table, None, study, AS_OF)


def sizes(study: Path) -> dict[str, float | None]:
    (patient,) = read_study(study, as_of=AS_OF).patients
    return {visit.session_id: visit.imported[0].volume_mm3 for visit in patient.visits}


def run_again(study: Path, out: Path) -> tuple[Finding, ...]:
    finished = datetime(2026, 1, 31)  # noqa: DTZ001
    settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, AS_OF, finished)
    return run(settings, lambda *_: None).findings


@pytest.mark.parametrize(("first", "second"), BOTH)
def test_the_one_imported_first_keeps_its_name_and_the_later_one_bears_its_time(
    tmp_path: Path, first: str, second: str
) -> None:
    put(tmp_path / "study", first)
    (size,) = sizes(tmp_path / "study").values()
    put(tmp_path / "study", second)
    clock = "t083000" if second == MORNING else "t161000"
    assert sizes(tmp_path / "study") == {PLAIN: size, f"{PLAIN}{clock}": 3100 - (size or 0)}
    before = sizes(tmp_path / "study")
    put(tmp_path / "study", "p1,2021-01-01T08:00,cyst,40,0.05\n")
    assert sizes(tmp_path / "study").keys() == before.keys(), "a series that began earlier renames no scan"
    put(tmp_path / "study", "p1,2021-01-01T22:00,tumour,1450,0.05\n", "p1,2021-01-01T22:10,cyst,40,0.05\n")
    after = sizes(tmp_path / "study")
    assert after.keys() - before.keys() == {f"{PLAIN}t220000"}
    assert before.keys() <= after.keys()


def test_two_scans_of_one_import_both_bear_their_times_for_good(tmp_path: Path) -> None:
    put(tmp_path / "study", MORNING, AFTERNOON)
    before = sizes(tmp_path / "study")
    assert before == {f"{PLAIN}t083000": 1600, f"{PLAIN}t161000": 1500}
    put(tmp_path / "study", "p1,2021-01-01T03:00,tumour,1700,0.05\n")
    assert before.items() <= sizes(tmp_path / "study").items()


@pytest.mark.parametrize(("first", "second"), BOTH)
def test_a_visit_that_the_study_lists_keeps_the_scan_that_it_was_given_first(
    tmp_path: Path, first: str, second: str
) -> None:
    put(tmp_path / "study", first)
    folder = tmp_path / "study" / "sub-p1"
    folder.mkdir()
    (folder / "sub-p1_sessions.tsv").write_text("session_id\tacq_date\nses-02\t2021-01-01\n", encoding="utf-8")
    before = sizes(tmp_path / "study")
    put(tmp_path / "study", second)
    assert before.items() <= sizes(tmp_path / "study").items()


def test_visits_without_a_day_keep_their_numbers(tmp_path: Path) -> None:
    put(tmp_path / "study", "p1,2021-01-01,tumour,100,0.05\n", "p1,tomorrow?,tumour,1600,0.05\n")
    before = sizes(tmp_path / "study")
    put(tmp_path / "study", "p1,a day,tumour,1500,0.05\n")
    assert before.items() <= sizes(tmp_path / "study").items()
    assert len(sizes(tmp_path / "study")) == 3


@pytest.mark.parametrize(("first", "second"), BOTH)
def test_acts_on_the_first_stand_when_the_second_is_imported(tmp_path: Path, first: str, second: str) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    put(study, FIRST.removeprefix(HEAD), first)
    run_again(study, out)
    acts = [
        Act(ActKind.PIN_BASELINE, "sub-p1", PLAIN, reason="the better scan"),
        Act(ActKind.COMMENT, "sub-p1", PLAIN, reason="seen together"),
        Act(ActKind.EXCLUDE_VISIT, "sub-p1", "ses-imported20200101", reason="moved"),
    ]
    sign_off.put_on_record(out, acts, "A. Reader", AT)
    run_again(study, out)
    put(study, second)
    codes = {one.code for one in run_again(study, out)}
    assert not codes & {"act_lapsed", "act_without_effect"}
    rows = reader.query(reader.database_path(out), "patient_assessments", patient_id="sub-p1")
    shown = rows[rows["criteria_id"] == "imsct_adapted_v1"].set_index("session_id")
    assert "pinned by A. Reader" in shown.loc[PLAIN, "reason"]
    assert shown.loc["ses-imported20200101", "category"] == "NE"


def test_an_act_on_the_name_that_an_earlier_version_gave_is_about_the_same_scan(tmp_path: Path) -> None:
    study, out = tmp_path / "study", tmp_path / "out"
    put(study, FIRST.removeprefix(HEAD), MORNING)
    put(study, AFTERNOON)
    act_file.append(out, [Act(ActKind.EXCLUDE_VISIT, "sub-p1", f"{PLAIN}t083000", reason="moved")], "A. Reader", AT)
    assert "act_without_effect" not in {one.code for one in run_again(study, out)}
    measured = reader.table(reader.database_path(out), "measurement").set_index("session_id")
    assert measured.loc[PLAIN, "missing_reason"].startswith("visit excluded by A. Reader")
    assert measured.loc[f"{PLAIN}t161000", "volume_mm3"] == 1500


def test_only_a_name_of_that_day_and_time_is_taken_for_another() -> None:
    visit = StudyVisit("sub-a", PLAIN, date(2021, 1, 1), (), (), acquired_at=time(8, 30))
    assert name_now(f"{PLAIN}t083000", [visit]) == PLAIN
    assert name_now(f"{PLAIN}t083100", [visit]) == f"{PLAIN}t083100"
    timed = replace(visit, session_id=f"{PLAIN}t083000")
    assert name_now(f"{PLAIN}t083000", [visit, timed]) == f"{PLAIN}t083000"


def test_rows_written_by_hand_count_in_the_order_of_their_lines(tmp_path: Path) -> None:
    put(tmp_path / "study", MORNING)
    table = tmp_path / "study" / IMPORTED_TABLE
    columns = table.read_text(encoding="utf-8").splitlines()[0].split("\t")
    cells = {"participant_id": "sub-p1", "date": "2021-01-01T05:00", "compartment": "tumour", "volume_mm3": "9"}
    with table.open("a", encoding="utf-8") as file:
        file.write("\t".join(cells.get(name, "n/a") for name in columns) + "\n")
    assert sizes(tmp_path / "study") == {PLAIN: 1600, f"{PLAIN}t050000": 9}
