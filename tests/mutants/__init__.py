"""Faults made on purpose in the rooms that judge and measure; ``python -m tests.mutants`` counts what tests find."""
