"""Imported sizes: what is added to a study folder, and how the study's patients get visits of it. Ten seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from pipeline.core.findings import KINDS
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.measure.imported_sizes import NO_VOLUME
from pipeline.run.study_run import RunSettings, run
from pipeline.store import reader
from pipeline.study.import_numbers import Imported, import_table
from pipeline.study.imported_table import IMPORTED_TABLE
from pipeline.study.own_numbers import read_volumes
from pipeline.study.study_folder import read_study
from tests.study_folder import AS_OF, DSEG, ONE_VISIT, codes, volume, write_files

HEADER = "patient_id,date,compartment,volume_mm3,volume_cv\n"
TWO = HEADER + "p1,2020-01-01,tumour,1000,0.05\np1,2021-01-01,tumour,1400,0.05\n"


def put(study: Path, text: str, treatments: str | None = None) -> Imported:
    study.parent.mkdir(parents=True, exist_ok=True)
    path = study.parent / "volumes.csv"
    path.write_text(text, encoding="utf-8")
    given = study.parent / "treatments.csv"
    if treatments is not None:
        given.write_text(treatments, encoding="utf-8")
    return import_table(path, given if treatments is not None else None, study, AS_OF)


def contents(study: Path) -> dict[str, bytes]:
    return {path.relative_to(study).as_posix(): path.read_bytes() for path in study.rglob("*") if path.is_file()}


def test_a_table_alone_makes_a_study_without_oddities_but_for_what_it_lacks(tmp_path: Path) -> None:
    done = put(tmp_path / "study", TWO, "patient_id,date,kind\np1,2019-06-01,surgery\n")
    assert (done.measures, done.patients, done.treatments, done.findings) == (2, 1, 1, ())
    study = read_study(tmp_path / "study", as_of=AS_OF)
    assert study.findings == ()
    (patient,) = study.patients
    assert [visit.session_id for visit in patient.visits] == ["ses-imported20200101", "ses-imported20210101"]
    assert [visit.imported[0].volume_mm3 for visit in patient.visits] == [1000.0, 1400.0]
    assert patient.treatments[0].started_on == date(2019, 6, 1)
    described = json.loads((tmp_path / "study" / IMPORTED_TABLE).with_suffix(".json").read_text(encoding="utf-8"))
    header = (tmp_path / "study" / IMPORTED_TABLE).read_text(encoding="utf-8").splitlines()[0]
    assert list(described) == header.split("\t")


@pytest.mark.parametrize("end", ["2019-09-01", "2017-05-01", "2016-12-31"])
def test_a_radiotherapy_of_years_stays_in_doubt_once_imported(end: str, tmp_path: Path) -> None:
    given = f"patient_id,date,kind,end_date\np1,2016-03-01,radiotherapy,{end}\n"
    assert [one.code for one in put(tmp_path / "study", TWO, given).findings] == ["date_order"]
    (read,) = read_study(tmp_path / "study", as_of=AS_OF).patients[0].treatments
    assert (read.started_on, read.started_by) == (date(2016, 3, 1), date.fromisoformat(end))
    assert (read.ended_on, read.ended_by) == (None, None)
    assert put(tmp_path / "study", TWO, given).treatments == 0


@pytest.mark.parametrize(
    ("row", "first", "last", "ended"),
    [
        ("2020-06-01,radiotherapy,2019-07-01", "2019-01-02", "2020-06-01", None),
        ("2020-06,radiotherapy,2019-07", "2019-01-02", "2020-06-30", None),
        ("2020-06-01T09:30,bevacizumab,2019-07-01", "2017-06-30", "2020-06-01", None),
        ("2020-06-01,surgery,2019-07-01", "2019-07-01", "2020-06-01", "2019-07-01"),
    ],
)
def test_where_the_end_lies_before_the_start_either_may_be_wrong(
    row: str, first: str, last: str, ended: str | None, tmp_path: Path
) -> None:
    """So the first day is in doubt too, in the table and once it is imported."""
    given = f"patient_id,date,kind,end_date\np1,{row}\n"
    assert "date_order" in [one.code for one in put(tmp_path / "study", TWO, given).findings]
    (read,) = read_study(tmp_path / "study", as_of=AS_OF).patients[0].treatments
    assert (str(read.started_on), str(read.started_by)) == (first, last)
    assert (None if read.ended_on is None else str(read.ended_on), read.ended_by) == (ended, None)
    assert put(tmp_path / "study", TWO, given).treatments == 0


def test_the_same_in_other_words_is_no_contradiction_and_no_second_treatment(tmp_path: Path) -> None:
    people = "participant_id\tenhancing_tumour\nsub-p1\tTRUE\nsub-p2\t0\n"
    header = "participant_id\tdate\tkind\tend_date\textent\tdose_gy\tagent\n"
    treated = (
        f"{header}sub-p1\t2018-02-01\tresection\tn/a\tgtr\tn/a\tn/a\n"
        "sub-p1\t2018-03-01\tRT\t2018-04-12\tn/a\t50,4\tn/a\n"
        "sub-p1\t2018-05-01\ttemozolomide\tn/a\tn/a\tn/a\tn/a\n"
    )
    study = write_files(tmp_path / "study", {"participants.tsv": people, "treatments.tsv": treated})
    sizes_given = "patient_id,date,volume_mm3,enhancing_tumour\np1,2020-01-01,1000,yes\np2,2020-01-01,1000,no\n"
    cures = (
        "patient_id,date,kind,end_date,extent,dose_gy\np1,2018-02-01,surgery,,GTR,\n"
        "p1,2018-03-01,radiotherapy,2018-04-12,,50.4\np1,2018-05-01,carboplatin,,,\n"
    )
    done = put(study, sizes_given, cures)
    assert (done.findings, done.patients, done.treatments) == ((), 0, 1)  # two drugs of one day are two
    assert (study / "treatments.tsv").read_text(encoding="utf-8").startswith(treated)
    contrary = put(study, sizes_given.replace("yes", "no"), cures.replace("50.4", "45"))
    assert [one.code for one in contrary.findings] == ["import_contradicts"] * 2


def test_a_second_import_adds_only_what_is_new(tmp_path: Path) -> None:
    put(tmp_path / "study", TWO)
    before = contents(tmp_path / "study")
    assert put(tmp_path / "study", TWO).measures == 0
    assert contents(tmp_path / "study") == before
    done = put(tmp_path / "study", TWO + "p1,2022-01-01,tumour,1500,0.05\np2,2022-01-01,tumour,9000,0.05\n")
    assert (done.measures, done.patients) == (2, 1)
    for name, content in contents(tmp_path / "study").items():
        assert content.startswith(before[name]), name


def test_a_number_that_differs_from_the_one_imported_before_is_kept_out_and_said(tmp_path: Path) -> None:
    put(tmp_path / "study", TWO)
    before = contents(tmp_path / "study")
    done = put(tmp_path / "study", TWO.replace("1400", "900"))
    assert [finding.code for finding in done.findings] == ["imported_differs"]
    assert contents(tmp_path / "study") == before


def test_rows_that_people_wrote_stay_byte_for_byte(tmp_path: Path) -> None:
    files = {
        "participants.tsv": "\ufeffParticipant_ID\tsex\thistology\r\n01\tF\tepend\u00f6m\r\nsub-p1\tM\tn/a",
        "treatments.tsv": "participant_id\tkind\tdate\tnote\nsub-01\tsurgery\t2020-01-01\tby hand\n",
    }
    study = write_files(tmp_path / "study", files)
    before = contents(study)
    more = TWO.replace("p1,2021", "p2,2021")
    done = put(study, more, "patient_id,date,kind\np2,2019-06-01,surgery\np1,2019-06-01,prayer\n")
    assert (done.patients, done.treatments) == (1, 2)  # what nobody understands is kept
    after = contents(study)
    assert after["participants.tsv"] == before["participants.tsv"] + b"\r\nsub-p2\tn/a\tn/a\r\n"
    assert after["treatments.tsv"] == before["treatments.tsv"] + (
        b"sub-p1\tprayer\t2019-06-01\tn/a\nsub-p2\tsurgery\t2019-06-01\tn/a\n"
    )


def sizes(study: Path) -> dict[str, list[float | None]]:
    (patient,) = read_study(study, as_of=AS_OF).patients
    return {str(visit.acquired_on): [one.volume_mm3 for one in visit.imported] for visit in patient.visits}


def test_a_bad_number_leaves_its_day_without_a_size_and_can_be_imported_once_corrected(tmp_path: Path) -> None:
    study = tmp_path / "study"
    assert put(study, TWO.replace("1400", "1;4")).measures == 1
    (patient,) = read_study(study, as_of=AS_OF).patients
    (kept,) = patient.visits[1].imported
    assert kept.missing_reason == "volume_mm3 could not be used (volumes.csv line 3)"
    before = contents(study)
    assert put(study, TWO.replace("1400", "1;4")).measures == 0
    assert contents(study) == before
    assert put(study, TWO).measures == 1
    assert sizes(study) == {"2020-01-01": [1000.0], "2021-01-01": [1400.0]}
    assert codes(read_study(study, as_of=AS_OF)) == ["treatments_missing"]
    assert put(study, TWO.replace("1400", "1;4")).measures == 0, "what was read once is not taken back by a bad cell"
    assert sizes(study)["2021-01-01"] == [1400.0]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("p1,2021-01-01,tumour,1400,0.05\np1,2021-01-01,tumour,9,0.05\n", "lines 3 and 4 of volumes.csv differ"),
        ("p1,2021-01-01,wart,1400,0.05\n", NO_VOLUME),
        ("p1,2021-01-01,tumour,-3,0.05\np1,2021-01-01,cyst,200,0.05\n", "volume_mm3 could not be used"),
    ],
)
def test_a_day_of_which_nothing_can_be_used_is_a_visit_without_a_size(tmp_path: Path, more: str, reason: str) -> None:
    put(tmp_path / "study", HEADER + "p1,2020-01-01,tumour,1000,0.05\n" + more)
    (patient,) = read_study(tmp_path / "study", as_of=AS_OF).patients
    tumours = [one for visit in patient.visits for one in visit.imported if one.compartment == Compartment.TUMOUR]
    assert [one.volume_mm3 for one in tumours] == [1000.0, None]
    assert str(tumours[1].missing_reason).startswith(reason)


def test_a_lesion_whose_size_cannot_be_used_leaves_the_total_of_its_day_without_one(tmp_path: Path) -> None:
    head = HEADER.replace("compartment", "lesion_id")
    first = "p1,2020-01-01,L1,1000,0.05\np1,2020-01-01,L2,300,0.05\n"
    put(tmp_path / "study", head + first + first.replace("2020", "2021").replace("300", "x"))
    (patient,) = read_study(tmp_path / "study", as_of=AS_OF).patients
    (total,) = patient.visits[1].imported
    assert total.missing_reason == "lesion L2: volume_mm3 could not be used (volumes.csv line 5)"


def test_a_table_of_an_earlier_version_gets_the_columns_that_it_lacks(tmp_path: Path) -> None:
    study = tmp_path / "study"
    put(study, TWO)
    table = study / IMPORTED_TABLE
    lines = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    late = [lines[0].index(name) for name in ("session_id", "not_usable")]
    old = ["\t".join(cell for place, cell in enumerate(cells) if place not in late) for cells in lines]
    table.write_text("\r\n".join(old), encoding="utf-8", newline="")
    before = sizes(study)
    put(study, TWO + "p1,2022-01-01,tumour,-1,0.05\n")
    assert sizes(study) == {**before, "2022-01-01": [None]}
    after = table.read_bytes().decode("utf-8").split("\r\n")
    assert after[:3] == [old[0] + "\tsession_id\tnot_usable", *(f"{line}\tn/a\tn/a" for line in old[1:])]
    assert codes(read_study(study, as_of=AS_OF)) == ["treatments_missing"]


def test_what_a_second_table_knows_of_people_and_treatments_fills_the_gaps_and_never_changes_a_word(
    tmp_path: Path,
) -> None:
    study, head = tmp_path / "study", "patient_id,date,kind,extent,agent\n"
    put(study, TWO, head + "p1,2019-06-01,surgery,,\np1,2019-08-01,chemotherapy,,carboplatin\n")
    named = HEADER.replace("\n", ",syndrome,histology\n") + "p1,2022-01-01,tumour,1400,0.05,von Hippel-Lindau,\n"
    more = "p1,2019-06-01,surgery,GTR,\np1,2019-08-01,chemotherapy,,vincristine\n"
    done = put(study, named, head + more)
    assert (done.treatments, codes(done)) == (1, [])
    patient = read_study(study, as_of=AS_OF).patients[0]
    assert patient.patient.syndrome == "VHL"
    assert [one.extent for one in patient.treatments if one.kind == "surgery"] == ["GTR"]
    assert sorted(one.agent for one in patient.treatments if one.agent) == ["carboplatin", "vincristine"]
    before = contents(study)
    assert codes(put(study, named, head + more)) == []
    other = put(study, named.replace("von Hippel-Lindau", "NF2"), head + more.replace("GTR", "STR"))
    assert codes(other) == ["import_contradicts", "import_contradicts"]
    assert contents(study) == before, "a word that stands there is kept"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient_id,date,response\np1,2020-01-01,SD\n", "expected sizes, found responses"),
        (HEADER + "p 1,2020-01-01,tumour,1000,0.05\n", "expected letters and digits as patient_id, found 'p 1'"),
        (HEADER, "expected rows that can be imported, found none"),
        (HEADER + "p1,2020-01-01,tumour,-1,0.05\n", "expected a number from 0"),
    ],
)
def test_nothing_to_import_is_refused_and_nothing_is_written(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        put(tmp_path / "study", text)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("content", [b"", b"participant_id\nsub-\xff\n", b"sex\nF\n"])
def test_a_table_that_rows_cannot_be_added_to_is_refused(tmp_path: Path, content: bytes) -> None:
    study = write_files(tmp_path / "study", {"participants.tsv": content})
    with pytest.raises(InputError, match=r"participants\.tsv"):
        put(study, TWO)
    assert contents(study) == {"participants.tsv": content}


def test_a_day_with_images_keeps_them_and_a_day_without_takes_the_table(tmp_path: Path) -> None:
    rows = "sub-01,2020-02-17,tumour,1000,0.05\nsub-01,2021-01-01,tumour,900,0.05\nsub-01,2019-01-01,tumour,800,0.05\n"
    sessions = "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2021-01-01\n"
    study = write_files(tmp_path / "study", {**ONE_VISIT, "sub-01/sub-01_sessions.tsv": sessions})
    put(study, HEADER + rows)
    found = read_study(study, as_of=AS_OF)
    visits = found.patients[0].visits
    assert [(v.session_id, len(v.scans), len(v.imported)) for v in visits] == [
        ("ses-imported20190101", 0, 1),
        ("ses-01", 1, 0),
        ("ses-02", 0, 1),
    ]
    assert codes(found) == ["imported_not_used", "visit_without_images"]


def test_rows_of_strangers_and_odd_rows_of_the_imported_table_are_findings(tmp_path: Path) -> None:
    rows = "sub-09\t2020-01-01\t5000\nsub-01\t2020-13-01\t1\nZo\u00eb\t2020-01-01\t5000\n"
    rows = f"participant_id\tdate\tvolume_mm3\n{rows}"
    study = write_files(tmp_path / "study", {**ONE_VISIT, IMPORTED_TABLE: rows})
    found = read_study(study, as_of=AS_OF)
    assert codes(found) == ["date_malformed", "row_unknown_patient", "row_unknown_patient"]
    assert all(finding.path == IMPORTED_TABLE for finding in found.findings)


def test_a_name_that_is_taken_by_another_visit_gets_longer(tmp_path: Path) -> None:
    sessions = "session_id\tacq_date\nses-01\t2020-02-17\nses-imported20210101\t2020-05-01\n"
    study = write_files(tmp_path / "study", {**ONE_VISIT, "sub-01/sub-01_sessions.tsv": sessions})
    put(study, HEADER + "sub-01,2021-01-01,tumour,900,0.05\n")
    names = [visit.session_id for visit in read_study(study, as_of=AS_OF).patients[0].visits]
    assert names == ["ses-01", "ses-imported20210101", "ses-imported20210101x"]


def test_every_kind_of_finding_of_imported_tables_is_listed() -> None:
    assert {"imported_not_used", "imported_differs", "rows_differ", "cells_differ", "unit_suspect"} <= set(KINDS)


def test_patients_without_images_are_judged_beside_the_others(tmp_path: Path) -> None:
    study = write_files(tmp_path / "study", {**ONE_VISIT, **_scan_with_mask()})
    put(study, TWO + "p1,2021-01-01,cyst,500,0.1\nsub-01,2021-02-17,tumour,90,0.05\n")
    out = tmp_path / "out"
    settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, AS_OF, datetime(2026, 1, 31))  # noqa: DTZ001
    assert run(settings, lambda *_: None).is_published
    assert not run(settings, lambda *_: None).is_published
    measured = reader.table(reader.database_path(out), "measurement").set_index(
        ["patient_id", "session_id", "compartment"]
    )
    imported = measured[measured["mask_origin"] == "imported"]
    assert set(imported["volume_mm3"]) == {1000.0, 1400.0, 500.0, 90.0}
    assert set(imported["cv_source"]) == {"imported"}
    assert measured.loc[("sub-p1", "ses-imported20200101", "cyst"), "missing_reason"]
    planned = reader.query(reader.database_path(out), "next_scans", as_of=date(2021, 12, 1)).set_index("patient_id")
    assert planned["due_on"].astype(str).to_dict() == {"sub-p1": "2021-04-02", "sub-01": "2021-05-19"}  # both grow
    assert planned["is_overdue"].to_dict() == {"sub-p1": True, "sub-01": True}
    verdicts = reader.table(reader.database_path(out), "assessment").query("criteria_id == 'imsct_adapted_v1'")
    shown = dict(
        zip(zip(verdicts["patient_id"], verdicts["session_id"], strict=True), verdicts["category"], strict=True)
    )
    assert shown == {
        ("sub-01", "ses-01"): "SD",
        ("sub-01", "ses-imported20210217"): "SD",
        ("sub-p1", "ses-imported20200101"): "SD",
        ("sub-p1", "ses-imported20210101"): "PD",
    }


def _scan_with_mask() -> dict[str, str | bytes | Volume]:
    mask = volume()
    mask.array[2:4, 2:4, 1:3] = 1
    scan = volume()
    scan.array[:] = mask.array * 50 + 20
    return {next(name for name in ONE_VISIT if name.endswith("T2w.nii.gz")): scan, DSEG: mask}


def test_diameters_beside_a_volume_in_doubt_are_kept_as_the_table_alone_has_them(tmp_path: Path) -> None:
    """Criteria that compare diameters say the same of it by every path."""
    columns = "patient_id,date,volume_mm3,long_mm,perpendicular_mm,longest_mm\n"
    table = columns + "p1,2020-01-01,1200,15.5,11.5,15.5\np1,2021-01-01,1.3,16.5,12.5,16.5\n"
    (tmp_path / "own.csv").write_text(table, encoding="utf-8")
    alone = read_volumes(tmp_path / "own.csv", tmp_path, AS_OF, []).visits[1].measures[0]
    assert (alone.volume_mm3, alone.product_mm2, alone.longest_mm) == (None, 16.5 * 12.5, 16.5)
    assert "another unit" in str(alone.missing_reason)
    for again in range(2):
        put(tmp_path / "study", table)
        visits = read_study(tmp_path / "study", as_of=AS_OF).patients[0].visits
        (kept,) = visits[1].imported
        assert replace(kept, missing_reason=None) == replace(alone, missing_reason=None), again
        assert "another unit" in str(kept.missing_reason)
    assert len((tmp_path / "study" / IMPORTED_TABLE).read_text(encoding="utf-8").splitlines()) == 3
    put(tmp_path / "study", table.replace(",1.3,", ",1300,"))
    (mended,) = read_study(tmp_path / "study", as_of=AS_OF).patients[0].visits[1].imported
    assert (mended.volume_mm3, mended.longest_mm, mended.missing_reason) == (1300.0, 16.5, None)
