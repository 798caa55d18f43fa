"""The pages that show what the pipeline stored.

A folder per page and per craft; imports point from ``pages`` down to ``words``.
Nothing here measures, judges or computes a change.
"""
