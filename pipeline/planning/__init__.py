"""What a surgeon looks at before an operation: the cord laid straight along its line, and how deep a lesion lies.

Imports ``core``, ``measure``, ``cord`` and ``description``. Made when somebody looks, from the files of one visit.
It never advises a way in, never stores a number, and never says a distance to a surface that nobody drew.
"""
