"""Parts of the Quality page: scanners, protocols and their drift.

Imports ``data``, ``words`` and ``shell``.
It never judges a scan.
"""
