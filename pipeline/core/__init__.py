"""Values that every room uses: grids, transforms, vocabulary, records, findings, numbers in words.

Imports ``errors`` only.
Nothing here knows a path, a clock, an environment or a library of images or tables.
"""
