"""The published database: ``publish`` writes it, ``reader`` reads it, ``export`` hands its tables on.

The one room with DuckDB; imports ``core``, ``files``, ``errors`` and one constant of ``measure``.
It never judges, a reader never waits for a writer, and no store is ever altered: one of another version is made anew.
"""
