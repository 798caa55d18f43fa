"""The parts of the Study page: first steps, what a check says, what a run would do, and the runs themselves.

Imports ``shell``, ``data`` and ``words``.
It never computes: what it shows of a study comes from ``data.study_jobs``.
"""
