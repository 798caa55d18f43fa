"""One person stays one and two stay two, whatever the archive sends of IDs, issuers and names."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from pipeline.hospital.private.pseudonyms import read_mapping
from tests import dicom_files as dicom

GRID = Volume(np.random.default_rng(1).integers(1, 900, (20, 16, 6)).astype(np.int16), np.diag([0.7, 0.7, 3.3, 1.0]))
FIRST, LATER = date(2019, 9, 17), date(2020, 9, 22)
JANE = {"PatientID": "4711", "PatientName": "Doe^Jane", "PatientBirthDate": "19700131", "PatientSex": "F"}


def deliver(tmp_path: Path, day: date, **who: Any) -> ImportDone:
    folder = tmp_path / f"{day}{len(list(tmp_path.iterdir()))}"
    dicom.save_all(dicom.slices(GRID, day, **{**JANE, **who}), folder)
    return import_dicom(ImportSettings(folder, tmp_path / "study"), lambda *_: None)


def patients(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "study").glob("sub-*"))


def codes(done: ImportDone) -> list[str]:
    return [finding.code for finding in done.findings]


ISSUERS: list[tuple[dict[str, Any], dict[str, Any], int, list[str]]] = [
    ({}, {"IssuerOfPatientID": "A"}, 1, []),
    ({"IssuerOfPatientID": "A"}, {}, 1, []),
    ({}, {"IssuerOfPatientID": "A", "PatientBirthDate": None}, 1, []),
    ({"IssuerOfPatientID": "A"}, {"IssuerOfPatientID": "B", "PatientBirthDate": "19550612"}, 2, []),
    ({"IssuerOfPatientID": "A"}, {"IssuerOfPatientID": "B"}, 2, ["patient_twice"]),
    ({}, {"IssuerOfPatientID": "A", "PatientBirthDate": "19550612", "PatientName": "Roe^R"}, 2, []),
    ({}, {"IssuerOfPatientID": "A", "PatientBirthDate": "19550612"}, 2, []),
    ({}, {"IssuerOfPatientID": "A", "PatientName": "Roe^Jane"}, 1, ["patient_issuer"]),
    ({"PatientName": None, "PatientBirthDate": None}, {"IssuerOfPatientID": "A"}, 1, ["patient_issuer"]),
    ({}, {"IssuerOfPatientID": "A", "PatientSex": "M"}, 1, ["patient_issuer"]),
]


@pytest.mark.parametrize(("before", "after", "count", "said"), ISSUERS)
def test_an_issuer_that_begins_to_be_sent_cuts_nobody_in_two_and_joins_no_two(
    before: dict[str, Any], after: dict[str, Any], count: int, said: list[str], tmp_path: Path
) -> None:
    deliver(tmp_path, FIRST, **before)
    done = deliver(tmp_path, LATER, **after)
    assert (len(patients(tmp_path)), codes(done)) == (count, said)
    visits = sorted(path.name for path in (tmp_path / "study").glob("sub-*/ses-*"))
    assert len(visits) == (1 if "patient_issuer" in said else 2), "who is not certain is not imported"


def test_a_third_delivery_finds_a_person_under_either_name(tmp_path: Path) -> None:
    deliver(tmp_path, FIRST)
    deliver(tmp_path, LATER, IssuerOfPatientID="A")
    deliver(tmp_path, date(2021, 1, 1), IssuerOfPatientID="A")
    deliver(tmp_path, date(2022, 1, 1))
    assert len(patients(tmp_path)) == 1
    assert len(list((tmp_path / "study").glob("sub-*/ses-*"))) == 4


def test_the_order_of_one_delivery_does_not_matter(tmp_path: Path) -> None:
    found = []
    for order in ((JANE, {**JANE, "IssuerOfPatientID": "A"}), ({**JANE, "IssuerOfPatientID": "A"}, JANE)):
        folder = tmp_path / str(len(found))
        for number, who in enumerate(order):
            day = LATER if "IssuerOfPatientID" in who else FIRST
            dicom.save_all(dicom.slices(GRID, day, **who), folder / "in" / str(number))
        settings = ImportSettings(folder / "in", folder / "study", private=tmp_path / "private")
        import_dicom(settings, lambda *_: None)
        found.append(patients(folder))
        shutil.rmtree(tmp_path / "private" / "people")
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_the_advice_on_one_person_with_two_ids_works(tmp_path: Path) -> None:
    deliver(tmp_path, FIRST)
    done = deliver(tmp_path, LATER, PatientID="0815")
    assert codes(done) == ["patient_twice"]
    one, other = patients(tmp_path)
    table = tmp_path / "map.csv"
    table.write_text(f"dicom_id,participant_id\n4711,{one}\n0815,{one}\n")
    for source in [path for path in tmp_path.iterdir() if path.name.startswith("20")]:
        shutil.copytree(source, tmp_path / "all" / source.name)
    settings = ImportSettings(tmp_path / "all", tmp_path / "study", table)
    assert codes(import_dicom(settings, lambda *_: None)) == ["patient_other_name"]
    shutil.rmtree(tmp_path / "study" / other)
    assert "error" not in {finding.severity for finding in import_dicom(settings, lambda *_: None).findings}
    assert patients(tmp_path) == [one]
    assert len(list((tmp_path / "study" / one).glob("ses-*"))) == 2
    assert codes(deliver(tmp_path, date(2021, 1, 1), PatientID="0815")) == [], "both are known from now on"
    assert patients(tmp_path) == [one]


@pytest.mark.parametrize(
    ("other", "joined"),
    [
        ({}, True),
        ({"PatientName": "Smith^Jane"}, True),  # married: one birth date
        ({"PatientBirthDate": "19550612"}, False),
        ({"PatientName": "Roe^Richard", "PatientBirthDate": None}, False),
        ({"PatientSex": "M"}, False),
    ],
)
def test_a_table_never_makes_one_of_two_people(other: dict[str, Any], joined: bool, tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(GRID, FIRST, **JANE), tmp_path / "in" / "a")
    dicom.save_all(dicom.slices(GRID, LATER, **{**JANE, "PatientID": "0815", **other}), tmp_path / "in" / "b")
    table = tmp_path / "map.csv"
    table.write_text("dicom_id,participant_id\n4711,P01\n0815,P01\n")
    done = import_dicom(ImportSettings(tmp_path / "in", tmp_path / "study", table), lambda *_: None)
    assert len(done.added) == (2 if joined else 0)
    assert ("patient_mixed" in codes(done)) is not joined


def test_a_table_may_name_the_issuer_and_gives_each_id_one_name(tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    table.write_text("dicom_id,issuer,participant_id\n4711,A,P01\n4711,B,P02\n")
    for issuer, born in (("A", "19700131"), ("B", "19550612")):
        who = {**JANE, "IssuerOfPatientID": issuer, "PatientBirthDate": born}
        dicom.save_all(dicom.slices(GRID, FIRST, **who), tmp_path / "in" / issuer)
    import_dicom(ImportSettings(tmp_path / "in", tmp_path / "study", table), lambda *_: None)
    assert patients(tmp_path) == ["sub-P01", "sub-P02"]
    table.write_text("dicom_id,participant_id\n4711,P01\n4711,P02\n")
    with pytest.raises(InputError, match="expected one participant_id per dicom_id, found two"):
        read_mapping(table)
