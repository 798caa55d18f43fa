"""One delivered file or series, as frozen values: header, planes, pixels, what it shows, masks in it.

Imports ``core``, ``files``, ``study`` and ``hospital.oddities``; the libraries of DICOM stay in ``hospital``.
Nothing a header claims costs more memory than the file has bytes, and nothing is guessed silently.
"""
