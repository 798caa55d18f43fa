"""What people decided and drew: append-only files, what of it stands, and putting it on record.

Imports ``core``, ``files``, ``measure``, ``study`` and ``store`` (what an act speaks of is looked up there).
It never changes or removes a line.
"""
