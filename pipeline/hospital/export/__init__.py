"""Results on their way back: segmentations, structured reports, the packet, FHIR bundles.

Imports ``hospital.read``, ``hospital.private``, ``store``, ``study``, ``journal`` and what lies below.
It never sends a number that the store does not hold.
"""
