"""Rows that an earlier reading took are not read again, and nothing is said or read otherwise for it. A second."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipeline.study import imported_reading, own_numbers
from pipeline.study.imported_reading import ImportedVisits, KeptReading
from pipeline.study.imported_table import IMPORTED_TABLE
from pipeline.study.study_folder import StudyFolder, read_study
from tests.study_folder import AS_OF, ONE_VISIT, codes, write_files

HEADER = "participant_id\tdate\tcompartment\tlesion_id\tvolume_mm3\tvolume_cv\tsyndrome\n"
ROWS = [
    "sub-02\t2020-01-01\ttumour\tn/a\t1000.5\t0.1\tn/a",
    "sub-03\t2020-01-01\ttumour\tL1\t700\t0.1\tn/a",
    "sub-03\t2020-01-01\ttumour\tL2\t300\t0.1\tn/a",
    "sub-02\t2021-01-01\ttumour\tn/a\t1200\tn/a\tn/a",
    "04\t2021-05-05T10:30\ttumour\tn/a\tn/a\tn/a\tn/a",
    "sub-05\t2019-02-30\ttumour\tn/a\t50\t0.1\tn/a",
    "sub-01\t2020-02-17\ttumour\tn/a\t900\t0.1\tn/a",
    "sub-06\t2022-01-01\tcyst\tn/a\t80\t0.1\tn/a",
    "sub-06\t2022-01-01\ttumour\tn/a\t8000\t0.1\tVHL",
    "sub-77\t2022-01-01\ttumour\tn/a\t8\t0.1\tn/a",
]
PEOPLE = "participant_id\tdied_on\n" + "".join(
    f"sub-0{number}\t{'2022-06-01' if number == 6 else 'n/a'}\n" for number in range(1, 7)
)
FORMS = "neuraxis.tsv"


def study_with(folder: Path, rows: list[str], header: str = HEADER) -> Path:
    text = header + "\n".join(rows) + "\n"
    return write_files(folder, {**ONE_VISIT, "participants.tsv": PEOPLE, IMPORTED_TABLE: text})


def again(folder: Path, earlier: dict[str, KeptReading], as_of: date = AS_OF) -> tuple[StudyFolder, StudyFolder]:
    """The study read with what was kept of earlier readings, and read from nothing."""
    return read_study(folder, as_of=as_of, earlier=earlier), read_study(folder, as_of=as_of)


def assert_same(one: StudyFolder, other: StudyFolder) -> None:
    assert sorted(map(repr, one.findings)) == sorted(map(repr, other.findings))
    for here, there in zip(one.patients, other.patients, strict=True):
        assert (here.patient, here.treatments, tuple(here.visits)) == (
            there.patient, there.treatments, tuple(there.visits),
        )  # fmt: skip


def kept_of(folder: Path) -> dict[str, KeptReading]:
    return dict(read_study(folder, as_of=AS_OF, earlier={}).readings)


def put(text: str, place: int) -> Callable[[list[str]], list[str]]:
    return lambda rows: [*rows[:place], text, *rows[place:]]


CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "nothing": list,
    "another number": lambda rows: [rows[0].replace("1000.5", "2000.5"), *rows[1:]],
    "a number that is none": lambda rows: [rows[0].replace("1000.5", "1.000,5"), *rows[1:]],
    "a row above all": put("sub-02\t2018-01-01\ttumour\tn/a\t900\t0.1\tn/a", 0),
    "a row of nobody above all": put("sub-99\t2018-01-01\ttumour\tn/a\t900\t0.1\tn/a", 0),
    "an empty line": put("", 2),
    "a row less": lambda rows: rows[1:],
    "all rows of one less": lambda rows: [row for row in rows if not row.startswith("sub-03")],
    "a row twice": lambda rows: [*rows, rows[0]],
    "two rows that differ": lambda rows: [*rows, rows[0].replace("1000.5", "1")],
    "a row that is too long": lambda rows: [f"{rows[0]}\tmore", *rows[1:]],
    "a unit that does not fit": put("sub-02\t2023-01-01\ttumour\tn/a\t1.1\t0.1\tn/a", 4),
    "the id without sub-": put("02\t2023-01-01\ttumour\tn/a\t1100\t0.1\tn/a", 4),
    "the id in quotes": put('"sub-02"\t2023-01-01\ttumour\tn/a\t1100\t0.1\tn/a', 4),
    "no id": put("n/a\t2023-01-01\ttumour\tn/a\t1100\t0.1\tn/a", 4),
    "the order of days": lambda rows: rows[::-1],
    "a day to come": put("sub-04\t2031-01-01\ttumour\tn/a\t1100\t0.1\tn/a", 4),
    "small tumours": lambda rows: rows + [f"sub-04\t20{n}-01-01\ttumour\tn/a\t3\t0.1\tn/a" for n in range(10, 20)],
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_table_says_the_same_as_if_nothing_was_kept(tmp_path: Path, what: str) -> None:
    earlier = kept_of(study_with(tmp_path, ROWS))
    with_kept, from_nothing = again(study_with(tmp_path, CHANGES[what](list(ROWS))), earlier)
    assert_same(with_kept, from_nothing)
    assert_same(read_study(tmp_path, as_of=AS_OF, earlier=dict(with_kept.readings)), from_nothing)


HEADERS = {
    "another name": HEADER.replace("volume_mm3", "volume_ml"),
    "a name twice": HEADER.replace("syndrome", "volume_mm3"),
    "no day": HEADER.replace("date", "day"),
    "no id": HEADER.replace("participant_id", "who"),
    "one that is not read": HEADER.replace("syndrome", "source"),
}


@pytest.mark.parametrize("what", HEADERS)
def test_the_same_lines_under_another_header_are_read_anew(tmp_path: Path, what: str) -> None:
    earlier = kept_of(study_with(tmp_path, ROWS))
    assert_same(*again(study_with(tmp_path, ROWS, HEADERS[what]), earlier))


def test_half_of_all_tumours_too_small_is_said_though_their_rows_are_not_read(tmp_path: Path) -> None:
    rows = [f"sub-02\t20{year}-01-01\ttumour\tn/a\t{year / 10}\tn/a\tn/a" for year in range(10, 20)]
    earlier = kept_of(study_with(tmp_path, rows))
    with_kept, from_nothing = again(tmp_path, earlier)
    assert [*earlier] == ["sub-02"]
    assert "unit_suspect" in codes(with_kept)
    assert_same(with_kept, from_nothing)


def test_only_rows_that_changed_or_are_odd_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = kept_of(study_with(tmp_path, ROWS))
    assert sorted(earlier) == ["sub-02", "sub-03", "sub-04", "sub-06"], "01 has images, 05 a day that is none"
    read: list[list[int]] = []
    volumes_in = own_numbers.volumes_in

    def noting(name, written_rows, *rest):  # type: ignore[no-untyped-def]
        read.append([row.line for row in written_rows])
        return volumes_in(name, written_rows, *rest)

    monkeypatch.setattr(imported_reading, "volumes_in", noting)
    study_with(tmp_path, ["sub-99\t2018-01-01\ttumour\tn/a\t900\t0.1\tn/a", *ROWS, ROWS[4].replace("2021", "2022")])
    study = read_study(tmp_path, as_of=AS_OF, earlier=earlier)
    who_died, changed, odd = [10, 11], [7, 13], [[2], [8], [9], [12]]
    assert sorted(read) == sorted([who_died, changed, *odd]), "nobody is scanned after the day of death"
    del read[:]
    visits = next(one.visits for one in study.patients if one.patient.patient_id == "sub-02")
    assert visits, "that there are visits needs no reading"
    assert not read
    study_with(tmp_path, ["replaced while it is worked on"])
    assert [visit.imported[0].volume_mm3 for visit in visits] == [1000.5, 1200.0], "as the table was when it was read"
    assert read == [[3, 6]]


def test_an_earlier_day_of_reading_does_not_see_what_came_after_it(tmp_path: Path) -> None:
    earlier = kept_of(study_with(tmp_path, ROWS))
    with_kept, from_nothing = again(tmp_path, earlier, date(2020, 6, 1))
    assert "date_future" in codes(with_kept)
    assert_same(with_kept, from_nothing)


def test_other_bytes_are_noticed_though_size_and_time_of_the_table_are_the_same(tmp_path: Path) -> None:
    earlier = kept_of(study_with(tmp_path, ROWS))
    table = tmp_path / IMPORTED_TABLE
    before = table.stat()
    table.write_text(table.read_text(encoding="utf-8").replace("1000.5", "1000.6"), encoding="utf-8")
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (table.stat().st_size, table.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    study = read_study(tmp_path, as_of=AS_OF, earlier=earlier)
    assert study.readings["sub-02"] != earlier["sub-02"]
    assert_same(study, read_study(tmp_path, as_of=AS_OF))


def test_whoever_leaves_the_study_or_gets_images_is_not_taken_from_what_was_kept(tmp_path: Path) -> None:
    earlier = kept_of(study_with(tmp_path, ROWS))
    write_files(tmp_path, {"participants.tsv": PEOPLE.replace("sub-02\tn/a\n", "")})
    write_files(tmp_path, {"sub-03/ses-01/anat/sub-03_ses-01_T2w.nii.gz": b"listed, never opened"})
    with_kept, from_nothing = again(tmp_path, earlier)
    assert not with_kept.readings.keys() & {"sub-02", "sub-03"}
    assert_same(with_kept, from_nothing)


def test_a_form_reads_the_rows_of_its_patient(tmp_path: Path) -> None:
    earlier = kept_of(study_with(tmp_path, ROWS))
    write_files(tmp_path, {FORMS: "participant_id\tdate\tbrain\nsub-02\t2020-01-01\tyes\n"})
    with_kept, from_nothing = again(tmp_path, earlier)
    assert_same(with_kept, from_nothing)
    of_whom = {one.patient.patient_id: one.visits for one in with_kept.patients}
    assert not isinstance(of_whom["sub-02"], ImportedVisits)
    assert isinstance(of_whom["sub-04"], ImportedVisits)


def test_another_process_gets_the_visits_themselves(tmp_path: Path) -> None:
    earlier = kept_of(study_with(tmp_path, ROWS))
    with_kept, from_nothing = again(tmp_path, earlier)
    sent = pickle.loads(pickle.dumps(with_kept.patients))
    assert [one.visits for one in sent] == [one.visits for one in from_nothing.patients]
    assert all(isinstance(one.visits, tuple) for one in sent)
    assert [hash(one.visits) for one in with_kept.patients if isinstance(one.visits, ImportedVisits)]


TWO = "participant_id\nsub-01\nsub-P1\nsub-p1\n"
OF_TWO = [
    "sub-P1\t2019-01-01\ttumour\tn/a\t1000\t0.1\tn/a",
    "sub-P1\t2021-01-01\ttumour\tn/a\t1500\t0.1\tn/a",
    "sub-p1\t2020-06-01\ttumour\tn/a\t300\t0.1\tn/a",
]


def sizes_of(study: StudyFolder, patient_id: str) -> list[float | None]:
    (patient,) = (one for one in study.patients if one.patient.patient_id == patient_id)
    return [visit.imported[0].volume_mm3 for visit in patient.visits]


def test_patients_whose_names_hardly_differ_are_in_doubt_from_the_other_s_first_day_on(tmp_path: Path) -> None:
    folder = study_with(tmp_path, OF_TWO)
    (folder / "participants.tsv").write_text(TWO, encoding="utf-8")
    earlier = kept_of(folder)
    assert not {"sub-P1", "sub-p1"} & earlier.keys(), "what is said in every run is not kept"
    for study in again(folder, earlier):
        assert (sizes_of(study, "sub-P1"), sizes_of(study, "sub-p1")) == ([1000.0, None], [None])
        assert codes(study).count("patient_alike") == 1


def test_a_row_of_a_stranger_takes_no_patient_s_sizes_away(tmp_path: Path) -> None:
    rows = [*OF_TWO[:2], OF_TWO[2].replace("sub-p1", "P-1")]
    folder = study_with(tmp_path, rows)
    (folder / "participants.tsv").write_text(TWO.replace("sub-p1\n", ""), encoding="utf-8")
    study = read_study(folder, as_of=AS_OF)
    assert sizes_of(study, "sub-P1") == [1000.0, 1500.0]
    assert [code for code in codes(study) if code in ("patient_alike", "row_unknown_patient")] == [
        "row_unknown_patient"
    ]
