"""The same lesion over time: matching of connected pieces, and what people corrected of it.

Pure: imports ``core``, ``measure`` and ``errors``.
It never measures and never judges.
"""
