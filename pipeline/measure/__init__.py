"""Volumes, sizes and their error, appearance, the cord and vertebral levels, each counted in a scan's own grid.

Pure: imports ``core`` and ``errors``.
It never measures on a resampled mask.
"""
