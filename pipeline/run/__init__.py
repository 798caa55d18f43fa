"""The story of a study and of a patient: which steps, in which order, in which process.

Imports every room but ``cli``, ``tools``, ``selftest`` and ``hospital``.
It never holds a rule: each step calls the room that does.
"""
