"""The ``cordtrack`` command: arguments, environment, clock and exit codes are read here and nowhere else.

Imports every room of the pipeline; nothing imports it.
It parses, calls and prints; it never computes.
"""
