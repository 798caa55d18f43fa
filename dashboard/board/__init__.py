"""Parts of the Board page: its rows, a meeting with notes and minutes.

Imports ``data``, ``words``, ``shell``, ``packet`` and the pipeline's ``core`` and ``journal``.
It never ranks: urgency comes with the rows.
"""
