"""The text files around the images: BIDS tables and descriptions, image sidecars, truth tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from sample_data.scanner import MACHINES, PROTOCOLS, Protocol
from sample_data.stories import PATIENTS, Visit

BIDS_VERSION = "1.10.0"
DSEG_NAMES = ("tumour", "cyst", "oedema", "syrinx", "cavity")

PARTICIPANT_COLUMNS: dict[str, dict[str, object]] = {
    "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male"}},
    "age": {"Description": "Age at the first scan", "Units": "year"},
    "histology": {"Description": "Histological diagnosis"},
    "who_grade": {"Description": "Grade of the WHO classification of CNS tumours, 2021 (1 to 4)"},
    "syndrome": {
        "Description": "Tumour predisposition syndrome; n/a when none is known",
        "Levels": {
            "NF1": "neurofibromatosis 1",
            "NF2": "NF2-related schwannomatosis",
            "VHL": "von Hippel-Lindau disease",
        },
    },
    "centre": {"Description": "Invented hospital that scanned the participant"},
    "level": {"Description": "Vertebral levels that the tumour spans"},
}

TREATMENT_COLUMNS: dict[str, dict[str, object]] = {
    "date": {"Description": "Day of surgery, or first day of a course", "Units": "ISO 8601 date"},
    "end_date": {"Description": "Last day of a course", "Units": "ISO 8601 date"},
    "kind": {"Description": "surgery, radiotherapy, chemotherapy, bevacizumab or steroid"},
    "extent": {"Description": "Extent of resection: GTR, NTR, STR, PR or biopsy; n/a for other treatments"},
    "dose_gy": {"Description": "Total radiation dose", "Units": "Gy"},
    "agent": {"Description": "Drug"},
}

FUNCTION_COLUMNS: dict[str, dict[str, object]] = {
    "date": {"Description": "Day of the examination", "Units": "ISO 8601 date"},
    "scale_id": {"Description": "Scale: mmccormick is the modified McCormick scale, 1 (intact) to 5"},
    "grade": {"Description": "Grade on that scale"},
}

SPECTROSCOPY_COLUMNS: dict[str, dict[str, object]] = {
    "session_id": {"Description": "Visit"},
    "metabolite": {"Description": "Metabolite"},
    "value": {"Description": "Invented value, as a ratio to that of ratio_to"},
    "ratio_to": {"Description": "Metabolite that the value is a ratio to"},
    "crlb_percent": {"Description": "Cramer-Rao bound of the value", "Units": "%"},
    "te_ms": {"Description": "Echo time", "Units": "ms"},
    "field_tesla": {"Description": "Field strength", "Units": "T"},
    "program": {"Description": "What fitted the value"},
    "voxel": {"Description": "NIfTI-MRS file whose header holds the box of the spectrum"},
}

METABOLITES = (
    ("NAA", 2.01, 0.9, 12), ("Cr", 3.03, 1.0, 8), ("Cho", 3.2, 2.1, 7), ("mI", 3.56, 1.6, 9), ("Lac", 1.31, 0.8, 28),
)  # fmt: skip
"""Name, place on the scale (ppm), ratio to creatine, Cramer-Rao bound (per cent; too large of lactate)."""

README = """Synthetic follow-up of intramedullary spinal cord tumours

Eight invented people, made by the seeded generator in sample_data/ of cordtrack. No scan shows a real person.
sub-demo08 holds bad input on purpose: a truncated scan (ses-03), a mask one slice short (ses-04) and a missing date
(ses-05). .bidsignore lists the truncated scan with its sidecar, the spectrum, and treatments.tsv, function.tsv and
spectroscopy.tsv, which BIDS does not know. Readers' masks are in derivatives/reader and derivatives/reader2, labels of
discs and masks of the cord in derivatives/labels. No mask means: nobody read this visit. An empty mask means: read,
nothing there. T1w before contrast agent, T2*w, ADC, diffusion-weighted scans and the spectrum of some visits are
synthetic as well; the metabolite values of spectroscopy.tsv are invented, no program fitted them.
"""

BIDSIGNORE = """treatments.tsv
treatments.json
function.tsv
function.json
spectroscopy.tsv
spectroscopy.json
sub-demo05/ses-01/mrs/
sub-demo08/ses-03/anat/sub-demo08_ses-03_T2w.nii.gz
sub-demo08/ses-03/anat/sub-demo08_ses-03_T2w.json
"""

TRUTH_HEADERS = {
    "volumes": ("participant_id", "session_id", "compartment", "volume_mm3"),
    "lesions": ("participant_id", "session_id", "lesion", "volume_mm3", "x", "y", "z"),
    "landmarks": ("participant_id", "session_id", "landmark", "x", "y", "z", "inside"),
    "description": ("participant_id", "session_id", "lesion", "finding", "value", "number", "unit"),
}

SEQUENCES: dict[str, dict[str, object]] = {
    "T2w": {"RepetitionTime": 3.5, "EchoTime": 0.11, "FlipAngle": 150, "SequenceName": "synthetic TSE"},
    "ce-gadolinium_T1w": {
        "RepetitionTime": 0.6,
        "EchoTime": 0.01,
        "FlipAngle": 140,
        "SequenceName": "synthetic TSE",
        "ContrastBolusIngredient": "GADOLINIUM",
    },
    "T1w": {"RepetitionTime": 0.6, "EchoTime": 0.01, "FlipAngle": 140, "SequenceName": "synthetic TSE"},
    "T2starw": {"RepetitionTime": 0.7, "EchoTime": 0.016, "FlipAngle": 25, "SequenceName": "synthetic GRE"},
    "ADC": {"RepetitionTime": 4.0, "EchoTime": 0.075, "FlipAngle": 90, "SequenceName": "synthetic EPI"},
    "dwi": {"RepetitionTime": 4.0, "EchoTime": 0.075, "FlipAngle": 90, "SequenceName": "synthetic EPI"},
}


def write_sidecar(image: Path, visit: Visit, suffix: str, protocol: Protocol) -> None:
    """Write the ``.json`` beside an image; its scanner is made up."""
    usual = "B" if PROTOCOLS[visit.protocol].plane == "3D" else "A"
    machine = MACHINES.get(visit.machine or usual)
    scanner: dict[str, object] = {}
    if machine is not None:
        scanner = {
            "Manufacturer": "synthetic",
            "ManufacturersModelName": machine.model,
            "MagneticFieldStrength": machine.field_tesla,
            "DeviceSerialNumber": machine.serial,
            "SoftwareVersions": machine.software,
        }
    about: dict[str, object] = {
        "Modality": "MR",
        **scanner,
        "BodyPartExamined": "SPINE",
        "MRAcquisitionType": "3D" if protocol.plane == "3D" else "2D",
        "SliceThickness": max(protocol.spacing_mm),
        **SEQUENCES[suffix],
    }
    if suffix == "T2w" and visit.echo_time_s is not None:
        about["EchoTime"] = visit.echo_time_s
    write_json(image.with_name(image.name.replace(".nii.gz", ".json")), about)


def write_mask_sidecar(mask: Path, scan: str) -> None:
    """Write the ``.json`` beside a mask, naming the scan (path inside the study) on whose grid it was drawn."""
    write_json(mask.with_name(mask.name.replace(".nii.gz", ".json")), {"SpatialReference": f"bids:raw:{scan}"})


def write_study_tables(study: Path) -> None:
    """Write every file of the study that is not an image or its sidecar."""
    description = {
        "Name": "cordtrack synthetic sample study (no real patient)",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "License": "CC0",
        "Authors": ["The cordtrack developers"],
        "GeneratedBy": [{"Name": "sample_data.generate"}],
    }
    write_json(study / "dataset_description.json", description)
    (study / "README").write_text(README, encoding="utf-8")
    (study / ".bidsignore").write_text(BIDSIGNORE, encoding="utf-8")
    _write_participants(study)
    _write_events(study)
    for patient in PATIENTS:
        rows = [(visit.session_id, visit.acquired_on or "n/a") for visit in patient.visits]
        path = study / patient.participant_id / f"{patient.participant_id}_sessions.tsv"
        write_tsv(path, ("session_id", "acq_date"), rows)
    for reader in ("reader", "reader2", "labels"):
        _write_reader(study / "derivatives" / reader, reader)


def write_truth_tables(truth: Path, rows: dict[str, list[tuple[str, ...]]]) -> None:
    """Write one table for each kind of truth, and the list of stories."""
    for kind, header in TRUTH_HEADERS.items():
        write_tsv(truth / f"{kind}.tsv", header, rows[kind])
    stories = [(patient.participant_id, patient.story) for patient in PATIENTS]
    write_tsv(truth / "stories.tsv", ("participant_id", "story"), stories)


def write_json(path: Path, content: object) -> None:
    """Write JSON the same way everywhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tsv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a tab-separated table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(row) for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_participants(study: Path) -> None:
    rows = [(patient.participant_id, *patient.columns.values()) for patient in PATIENTS]
    write_tsv(study / "participants.tsv", ("participant_id", *PARTICIPANT_COLUMNS), rows)
    write_json(study / "participants.json", PARTICIPANT_COLUMNS)
    sessions = {"acq_date": {"Description": "Day of the scan, ISO 8601; n/a when not sent"}}
    write_json(study / "sessions.json", sessions)


def _write_events(study: Path) -> None:
    treatments = [
        (patient.participant_id, row.date, row.end_date, row.kind, row.extent, row.dose_gy, row.agent)
        for patient in PATIENTS
        for row in patient.treatments
    ]
    write_tsv(study / "treatments.tsv", ("participant_id", *TREATMENT_COLUMNS), treatments)
    write_json(study / "treatments.json", TREATMENT_COLUMNS)
    function = [
        (patient.participant_id, day, "mmccormick", str(grade))
        for patient in PATIENTS
        for day, grade in patient.function
    ]
    write_tsv(study / "function.tsv", ("participant_id", *FUNCTION_COLUMNS), function)
    write_json(study / "function.json", FUNCTION_COLUMNS)
    spectra = [
        (patient.participant_id, visit.session_id, name, f"{ratio:g}", "Cr", str(bound), "30", "3", "none (invented)",
         f"{patient.participant_id}/{visit.session_id}/mrs/{patient.participant_id}_{visit.session_id}_svs.nii.gz")
        for patient in PATIENTS
        for visit in patient.visits
        if visit.spectrum
        for name, _, ratio, bound in METABOLITES
        if name != "Cr"
    ]  # fmt: skip
    write_tsv(study / "spectroscopy.tsv", ("participant_id", *SPECTROSCOPY_COLUMNS), spectra)
    write_json(study / "spectroscopy.json", SPECTROSCOPY_COLUMNS)


def _write_reader(folder: Path, name: str) -> None:
    description = {
        "Name": f"Synthetic masks of {name}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "License": "CC0",
        "GeneratedBy": [{"Name": "manual", "Description": "stands for a reader; drawn by sample_data.generate"}],
        "DatasetLinks": {"raw": "../.."},
    }
    write_json(folder / "dataset_description.json", description)
    if name == "labels":
        (folder / ".bidsignore").write_text("*_dlabel.*\n", encoding="utf-8")
        return
    rows = [(str(index), label) for index, label in enumerate(DSEG_NAMES, start=1)]
    write_tsv(folder / "dseg.tsv", ("index", "name"), rows)
