"""The pages that show what the pipeline stored.

A folder per page and per craft; imports point from ``app_pages`` down to ``words``.
Nothing here measures, judges or computes a change.
"""
