"""What a converter wrote beside an image against what people typed: said where they contradict each other, else not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.study.treatment_days import first_written, last_written
from tests.study_folder import AFFINE, T2W, codes, study_of

BESIDE = T2W.replace(".nii.gz", ".json")
LATER = T2W.replace("ses-01", "ses-02")
DAYS = "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2021-02-17\n"
SPIN_ECHO = {"ScanningSequence": "SE"}
T1_TIMING = {**SPIN_ECHO, "EchoTime": 0.011, "RepetitionTime": 0.62}
T2_TIMING = {**SPIN_ECHO, "EchoTime": 0.1, "RepetitionTime": 3.5}

KINDS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "T2w made as T1w": ("T2w", T1_TIMING, "says T1w (spin echo, echo time 11 ms, repetition time 620 ms)"),
    "T1w made as T2w": ("T1w", T2_TIMING, "says T2w (spin echo"),
    "T2w": ("T2w", T2_TIMING, None),
    "steady state": ("T2w", {**T1_TIMING, "ScanningSequence": "GR"}, None),
    "T1 FLAIR": ("T1w", {**T2_TIMING, "ScanningSequence": ["SE", "IR"]}, None),
    "STIR": ("T2w", {"ScanningSequence": "SE\\IR", "EchoTime": 0.03, "RepetitionTime": 1.1}, None),
    "no sequence": ("T2w", {"EchoTime": 0.011, "RepetitionTime": 0.62}, None),
    "ADC": ("T2w", {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "says ADC, which is computed"),
    "phase": ("T2w", {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "says P, which is computed or a phase"),
    "magnitude": ("T2w", {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"]}, None),
    "in phase": ("T2w", {"ImageType": "ORIGINAL\\PRIMARY\\DIXON\\IN_PHASE"}, None),
    "phase in one text": ("T2w", {"ImageType": "ORIGINAL\\PRIMARY\\P\\ND"}, "says P"),
    "knee": ("T2w", {"BodyPartExamined": "KNEE"}, "says knee, not spine"),
    "head": ("T2w", {"BodyPartExamined": "HEAD"}, None),
    "agent": ("T1w", {"ContrastBolusAgent": "7 ml Gadovist"}, "says a contrast agent"),
    "agent in the name": ("ce-gadolinium_T1w", {"ContrastBolusAgent": "7 ml Gadovist"}, None),
    "agent refused": ("T1w", {"ContrastBolusAgent": "Gadovist refused"}, None),
    "no agent": ("T1w", {"ContrastBolusAgent": "none"}, None),
    "malformed": ("T2w", {"ImageType": {"a": 1}, "BodyPartExamined": 3, "ScanningSequence": 7}, None),
}


@pytest.mark.parametrize(("suffix", "content", "words"), KINDS.values(), ids=KINDS)
def test_a_kind_of_scan_that_its_sidecar_contradicts_is_said(
    suffix: str, content: dict[str, Any], words: str | None, tmp_path: Path
) -> None:
    image = T2W.replace("T2w.nii.gz", f"{suffix}.nii.gz")
    files: dict[str, Any] = {T2W: None, image: b"x", image.replace(".nii.gz", ".json"): json.dumps(content)}
    study = study_of(tmp_path, files)
    messages = [one.message for one in study.findings if one.code == "scan_contradicted"]
    assert len(messages) == (0 if words is None else 1)
    assert words is None or words in messages[0]


def test_an_agent_typed_for_the_whole_visit_makes_no_scan_before_it_one_after_it(tmp_path: Path) -> None:
    agent = json.dumps({"ContrastBolusAgent": "7 ml Gadovist"})
    before, after = (T2W.replace("T2w", name) for name in ("T1w", "ce-gadolinium_T1w"))
    files: dict[str, Any] = {before: b"x", after: b"y"}
    files |= {name.replace(".nii.gz", ".json"): agent for name in (before, after)}
    assert "scan_contradicted" not in codes(study_of(tmp_path, files))


def sidecars(first: object, later: object) -> dict[str, Any]:
    contents = {BESIDE: first, LATER.replace(".nii.gz", ".json"): later}
    texts = {name: json.dumps(content) for name, content in contents.items() if content is not None}
    return {"sub-01/sub-01_sessions.tsv": DAYS, LATER: b"y", **texts}


def said_days(first: str | None, later: str | None) -> dict[str, Any]:
    contents = [None if day is None else {"AcquisitionDateTime": f"{day}T10:15:00"} for day in (first, later)]
    return sidecars(*contents)


@pytest.mark.parametrize(
    ("first", "later", "count"),
    [
        ("2020-02-17", "2021-02-17", 0),
        ("2020-02-18", "2021-02-17", 0),  # over midnight
        ("2021-02-17", "2020-02-17", 2),  # exchanged
        ("2020-02-17", "2021-05-05", 1),
        ("2010-02-17", "2011-02-17", 0),  # moved alike: the time between them is right
        ("2010-02-17", "2011-05-05", 2),
        (None, "2021-05-05", 1),
        ("no day", "20210217", 0),
        ("1900-01-01", "1900-01-01", 0),  # stands for no day
    ],
)
def test_a_day_that_a_sidecar_contradicts_is_said(
    first: str | None, later: str | None, count: int, tmp_path: Path
) -> None:
    study = study_of(tmp_path, said_days(first, later))
    messages = [one.message for one in study.findings if one.code == "visit_day_contradicted"]
    assert len(messages) == count
    assert not any("2010" in message or "-05-05" in message for message in messages)  # days in headers name people


def test_a_month_in_the_table_agrees_with_its_days(tmp_path: Path) -> None:
    files = {**said_days("2020-02-29", None), "sub-01/sub-01_sessions.tsv": DAYS.replace("2020-02-17", "2020-02")}
    assert "visit_day_contradicted" not in codes(study_of(tmp_path, files))


@pytest.mark.parametrize(
    ("first", "later", "names"),
    [
        ({"PatientBirthDate": "1970-01-31"}, {"PatientBirthDate": "1955-06-12"}, ["PatientBirthDate"]),
        (
            {"PatientID": "4711", "PatientSex": "F"},
            {"PatientID": "4712", "PatientSex": "M"},
            ["PatientID", "PatientSex"],
        ),
        ({"PatientID": "4711"}, {"PatientID": " 4711 "}, []),
        ({"PatientID": "4711"}, {"PatientBirthDate": "1970-01-31"}, []),
        ({"PatientID": "4711"}, {"PatientID": ""}, []),
        ({"PatientID": "4711"}, {"PatientID": "ANONYMOUS"}, []),
        ({"PatientSex": "F"}, {"PatientSex": "O"}, []),
        ({"PatientBirthDate": "1970-01-31"}, {"PatientBirthDate": "19700131"}, []),
        ({"PatientBirthDate": "1970-01-31"}, {"PatientBirthDate": "19700101"}, []),  # the year alone was left
        (
            {"PatientID": "4711", "PatientBirthDate": "1970-01-31"},  # two hospitals
            {"PatientID": "AB-9", "PatientBirthDate": "1970-01-31"},
            [],
        ),
        ({"PatientID": "4711", "PatientBirthDate": "1970-01-31"}, {"PatientID": "AB-9"}, ["PatientID"]),
    ],
)
def test_sidecars_of_two_people_under_one_name_are_said(
    first: dict[str, str], later: dict[str, str], names: list[str], tmp_path: Path
) -> None:
    study = study_of(tmp_path, sidecars(first, later))
    messages = [one.message for one in study.findings if one.code == "scan_of_another"]
    assert [message.split("that ")[1].split(" in ")[0] for message in messages] == names
    assert not any(value in repr(study) for value in (*first.values(), *later.values()) if len(value) > 3)


@pytest.mark.parametrize(
    ("values", "is_scan"), [((0, 1), False), ((0, 255), False), ((0, 1, 2), True), ((20, 70), True)]
)
def test_a_mask_in_the_place_of_a_scan_is_refused(values: tuple[int, ...], is_scan: bool, tmp_path: Path) -> None:
    array = np.resize(np.array(values, np.uint8), (6, 5, 4))
    images.save(Volume(array, AFFINE), tmp_path / "scan.nii.gz")
    if is_scan:
        assert images.load_scan(tmp_path / "scan.nii.gz").shape == (6, 5, 4)
        return
    with pytest.raises(InputError, match=f"found 0 and {values[1]} alone, as in a mask"):
        images.load_scan(tmp_path / "scan.nii.gz")


TREATED = "participant_id\tdate\tkind\tend_date\n"


@pytest.mark.parametrize(
    ("treatment", "said"),
    [
        ("1955-03-01\tsurgery\t", ["treatment_unplaced"]),  # 65 years before the scan of somebody aged 40
        ("1975-03-01\tsurgery\t", []),
        ("2016-03-01\tradiotherapy\t2019-09-01", ["date_order"]),
        ("2016-03-01\tradiotherapy\t2016-05-01", []),
        ("2016-03-01\tchemotherapy\t2019-09-01", []),
    ],
)
def test_treatments_of_another_year_are_said(treatment: str, said: list[str], tmp_path: Path) -> None:
    study = study_of(tmp_path, {"treatments.tsv": f"{TREATED}sub-01\t{treatment}\n"})
    assert [code for code in codes(study) if code.startswith(("treatment", "date"))] == said


def test_a_radiotherapy_of_years_may_have_been_on_any_days_between_the_two_given(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"treatments.tsv": f"{TREATED}sub-01\t2016-03-01\tradiotherapy\t2019-09-01\n"})
    (given,) = study.patients[0].treatments
    assert (given.started_on, given.started_by) == (date(2016, 3, 1), date(2019, 9, 1)), (
        "the start may be the wrong one"
    )
    assert (given.ended_on, given.ended_by) == (None, None)
    again = f"sub-01\t{first_written(given)}\tradiotherapy\t{last_written(given)}\n"
    written = study_of(tmp_path / "again", {"treatments.tsv": f"{TREATED}{again}"})
    assert written.patients[0].treatments == (given,), "written anew, it is in the same doubt"


@pytest.mark.parametrize(
    ("scale", "grade", "is_used"),
    [
        ("mmccormick", "5", True),
        ("mmccormick", "6", False),
        ("McCormick", "V", True),
        ("McCormick", "VI", False),
        ("McCormick", "6", False),
        ("mJOA", "17", True),
    ],
)
def test_a_grade_beyond_its_scale_is_said(scale: str, grade: str, is_used: bool, tmp_path: Path) -> None:
    table = f"participant_id\tdate\tscale_id\tgrade\nsub-01\t2020-03-01\t{scale}\t{grade}\n"
    study = study_of(tmp_path, {"function.tsv": table})
    assert ("number_malformed" in codes(study)) is not is_used
    assert len(study.patients[0].function_scores) == int(is_used)
