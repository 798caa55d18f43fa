"""Scans as hospitals have them: DICOM in, results back out as DICOM and FHIR, and the way to and from a PACS.

Everything that identifies a person stays in this package and in the private folder beside the study; what it writes
into a study folder carries pseudonyms. The libraries of this field (pydicom, highdicom, pynetdicom, dicomweb-client,
fhir.resources) are used here and nowhere else.
"""
