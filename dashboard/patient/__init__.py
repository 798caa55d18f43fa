"""Parts of the Patient page, one file each; the page joins them.

Imports ``charts``, ``viewer``, ``data``, ``words``, ``shell`` and ``packet``.
It never judges and never computes a change.
"""
