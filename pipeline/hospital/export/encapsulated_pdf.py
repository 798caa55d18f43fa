"""The board packet as an encapsulated PDF (DICOM PS3.3 A.45.1), filed in the study of the patient's last visit."""

from __future__ import annotations

import hashlib

from pydicom.dataset import Dataset

from pipeline.errors import InputError
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit
from pipeline.hospital.export.segmentation import MAKER, MODEL, finish
from pipeline.hospital.export.source_images import Names, SourceImages

PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
SERIES_NUMBER = 903
FROM_STUDY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
    "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip


def encapsulated(
    content: bytes, patient: ExportPatient, visit: ExportVisit, source: SourceImages, names: Names
) -> Dataset:
    """Return a PDF as a DICOM object.

    Raises
    ------
    InputError
        The content is no PDF.
    """
    if not content.startswith(b"%PDF-"):
        raise InputError("expected a PDF as packet, found another kind of file; make it with cordtrack packet")
    pdf_object = Dataset()
    for key in FROM_STUDY:
        if key in source.datasets[0]:
            setattr(pdf_object, key, source.datasets[0].get(key))
    parts = (patient.patient_id, visit.session_id, hashlib.sha256(content).hexdigest())
    pdf_object.SOPClassUID, pdf_object.SOPInstanceUID = PDF_CLASS, names.uid("packet", *parts)
    pdf_object.SeriesInstanceUID = names.uid("packet series", *parts)
    pdf_object.SeriesNumber, pdf_object.InstanceNumber, pdf_object.Modality = SERIES_NUMBER, 1, "DOC"
    pdf_object.Manufacturer, pdf_object.ManufacturerModelName, pdf_object.SoftwareVersions = (
        MAKER,
        MODEL,
        patient.version,
    )
    pdf_object.ConversionType, pdf_object.BurnedInAnnotation = "WSD", "YES"
    pdf_object.DocumentTitle, pdf_object.ConceptNameCodeSequence = "Follow-up of a spinal cord tumour (research)", []
    pdf_object.MIMETypeOfEncapsulatedDocument = "application/pdf"
    pdf_object.EncapsulatedDocumentLength = len(content)
    pdf_object.EncapsulatedDocument = content + (b"\0" if len(content) % 2 else b"")
    pdf_object.AcquisitionDateTime = ""
    finish(pdf_object, visit, "cordtrack packet (research)")
    return pdf_object
