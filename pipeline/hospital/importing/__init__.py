"""The story of an import: list, read, tell apart, decide, convert, write; a second one adds what is new.

Imports ``hospital.read``, ``hospital.private``, ``study`` and what lies below.
It never overwrites what stands in a study folder.
"""
