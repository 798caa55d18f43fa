"""How scans were made: what counts as another scanner or protocol, and how each scanner drifts.

Pure: imports ``core`` and ``errors``.
It never reads a file and never judges a course.
"""
