"""The published database: records to rows, one atomic replace, named queries, exports.

The one room with DuckDB; imports ``core``, ``files`` and ``errors``.
It never judges, and a reader never waits for a writer.
"""
