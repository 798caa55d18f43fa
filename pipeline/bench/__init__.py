"""Any program's alignments and masks held against cords whose truth is known: errors, changes, what is missing.

Imports ``core``, ``files`` and ``study``; only ``cli`` imports it.
It never runs a program, never fills in what a program did not give, and never counts that as right.
"""
