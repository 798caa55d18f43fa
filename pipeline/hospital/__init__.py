"""Scans as hospitals have them: DICOM in, results back out as DICOM and FHIR, and the way to and from a PACS.

The one room with pydicom, highdicom, pynetdicom, dicomweb-client and fhir.resources; only ``cli`` imports it.
What identifies a person never leaves it but into the private folder beside the study.
"""
