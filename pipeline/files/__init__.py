"""Files as such: NIfTI, images, TOML rules, fingerprints, finished steps, the output folder.

Imports ``core`` and ``errors``; the one room with SimpleITK and nibabel outside ``hospital``.
It never knows a study, a patient or a rule.
"""
