"""Sixty values that identify somebody go in; none comes out, in any file, name, table, report or message."""

from __future__ import annotations

import gzip
import logging
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.core.volume import Volume
from tests import dicom_files as dicom

TEXT = {
    "PatientName": "Zimtstern^Walburga", "PatientID": "ZZ-90817263", "IssuerOfPatientID": "KLINIKXANADU",
    "OtherPatientIDs": "ALT-556677", "OtherPatientNames": "Zimtstern^Wally", "PatientBirthName": "Geburtsname^Xy",
    "PatientMotherBirthName": "Muttername^Q", "PatientAddress": "Quittenweg 77, Xanadu", "PatientComments":
    "Tochter von Prof. Zimtstern", "PatientTelephoneNumbers": "+49 555 918273", "Occupation": "Glockengiesserin",
    "EthnicGroup": "GRUPPEXYZ", "MilitaryRank": "Oberstleutnantin", "BranchOfService": "Gebirgsmarine",
    "CountryOfResidence": "Phantasien", "RegionOfResidence": "Nordphantasien", "PatientReligiousPreference":
    "Pastafari", "MedicalRecordLocator": "MRL-818181", "AdditionalPatientHistory": "Ependymom seit Kindheit Zz",
    "Allergies": "Quittenallergie", "MedicalAlerts": "SCHRITTMACHERX", "SpecialNeeds": "Rollstuhlxyz",
    "ReferringPhysicianName": "Zuweiser^Heribert", "ReferringPhysicianAddress": "Zuweiserstrasse 3",
    "ReferringPhysicianTelephoneNumbers": "+49 555 000111", "PhysiciansOfRecord": "Akte^Adalbert",
    "PerformingPhysicianName": "Messer^Mathilda", "NameOfPhysiciansReadingStudy": "Leser^Leopold",
    "RequestingPhysician": "Frager^Frieda", "OperatorsName": "Bediener^Bruno", "InstitutionName":
    "Uniklinik Xanadu", "InstitutionAddress": "Klinikallee 1 Xanadu", "InstitutionalDepartmentName":
    "Neuroradiologie Xanadu", "StationName": "MRXANADU3", "DeviceSerialNumber": "SN-7654321", "AccessionNumber":
    "ACC55443322", "StudyID": "STUDYID889", "StudyDescription": "MRT HWS Zimtstern", "SeriesDescription":
    "t2_tse_sag Walburga", "ProtocolName": "HWS_Xanadu_Protokoll", "PerformedProcedureStepID": "PPSID4433",
    "PerformedProcedureStepDescription": "Kopie fuer Zimtstern", "RequestedProcedureDescription":
    "Anforderung Zimtstern", "RequestedProcedureID": "RPID9911", "ScheduledProcedureStepID": "SPSID7722",
    "RequestingService": "Neurostation Sieben Xanadu", "CurrentPatientLocation": "Zimmer 512b",
    "PatientInstitutionResidence": "Heim Abendrot", "ImageComments": "Patientin unruhig Zz", "DerivationDescription":
    "abgeleitet von Zz", "AdmissionID": "ADM334455", "VisitComments": "Besuch am Sonntag Zz", "ClinicalTrialSubjectID":
    "TRIALSUBJ77", "DeviceDescription": "Geraet im Keller Zz", "ContrastBolusAgent": "Gadozimt 7ml Charge 998877",
    "FillerOrderNumberImagingServiceRequest": "FON4455",
}  # fmt: skip
DATES = {"PatientBirthDate": "19370509", "StudyTime": "114457.330", "AcquisitionTime": "115959.120"}
PRIVATE = "Privat Zimtstern Walburga 991"
NESTED = "Verschachtelt^Zimtstern"


def identifiers(dataset: Dataset) -> list[str]:
    """Everything that must not come out, as it stands in the headers and in its parts."""
    values = [*TEXT.values(), *DATES.values(), PRIVATE, NESTED, "1937-05-09", "1937", "20200217", "2020-02-17"]
    values += [str(dataset[k].value) for k in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")]
    parts = [part for value in values for part in value.replace("^", " ").replace(",", " ").split()]
    return [*values, *(part for part in parts if len(part) >= 6)]


def written(tmp_path: Path) -> list[Dataset]:
    rng = np.random.default_rng(3)
    volume = Volume(rng.integers(0, 900, (24, 20, 5)).astype(np.int16), np.diag([0.7, 0.7, 3.3, 1.0]))
    series = dicom.slices(volume, date(2020, 2, 17), "siemens", dicom.T1_SPIN_ECHO, **{**TEXT, **DATES})
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nmanufacturer = "siemens"\ncontrast = "T1w_ce"\n')
    for dataset in series:
        dataset.private_block(0x0029, "ZIMT PRIVATE", create=True).add_new(0x10, "LO", PRIVATE)
        inner = Dataset()
        inner.PatientName = NESTED
        dataset.RequestAttributesSequence = Sequence([inner])
    return series


@pytest.mark.parametrize("broken", [False, True])
def test_nothing_that_identifies_anybody_comes_out(
    broken: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(TEXT) + len(DATES) + 2 >= 60
    caplog.set_level(logging.DEBUG)
    series = written(tmp_path)
    if broken:  # a warning or message about a malformed value must not quote it either
        for dataset in series[:2]:
            dataset.ImagePositionPatient = ["1", "2"]
            dataset.add_new("PatientAge", "LO", "Zimtstern alt")
            dataset.add_new("PatientWeight", "LO", "Zimtstern schwer")
    dicom.save_all(series, tmp_path / "in")
    study, out = tmp_path / "study", tmp_path / "out"
    command = ["import-dicom", str(tmp_path / "in"), str(study), "--shift-dates", "--rules"]
    done = CliRunner().invoke(app, [*command, str(tmp_path / "rules.toml")])
    assert done.exit_code == 0
    said = [done.output, caplog.text]
    if not broken:
        ran = CliRunner().invoke(app, ["run", str(study), str(out), "--jobs", "1"])
        assert ran.exit_code == 0, ran.output
        said.append(ran.output)
    shown = "\n".join(said).lower()
    contents = {path: _content(path) for root in (study, out) for path in root.rglob("*") if path.is_file()}
    names = "\n".join(str(path.relative_to(tmp_path)) for path in contents).lower()
    assert any(path.name.endswith("decisions.tsv") for path in contents)
    assert broken or any(path.name.endswith("T1w.nii.gz") for path in contents)
    for value in identifiers(series[0]):
        for form in {value.lower(), value.lower().replace("^", " ")}:
            assert form not in shown, value
            assert form not in names, value
            found = [path.name for path, content in contents.items() if form.encode() in content]
            assert not found, (value, found)


def _content(path: Path) -> bytes:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).lower()
