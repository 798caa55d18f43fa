"""The ``cordtrack`` command: reads arguments, environment, clock and login name, and ends with an exit code.

Imports ``api``, which notebooks call too, and the rooms that have no place there; nothing but ``__main__`` imports it.
It parses, calls and prints; it never computes.
"""
