"""The way to and from a PACS: DIMSE and DICOMweb, bounded, retried, resumed.

Imports ``hospital.read``, ``files`` and ``core``.
It never decides what a series is, and no secret reaches a message.
"""
