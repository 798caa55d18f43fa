"""What lies in a study folder: names, tables, scans, masks, labels, visits, imported numbers.

Imports ``core``, ``files``, ``measure`` and ``errors``.
It never writes but to the tables of imported numbers, and never guesses what a name means.
"""
