"""Parts of the Cohort page: filters, groups, curves, the first table, saved cohorts.

Imports ``charts``, ``data``, ``words``, ``shell`` and the pipeline's ``cohort`` and ``core``.
It never computes what the pipeline's ``cohort`` does not.
"""
