"""The lesion of a masked visit found again on another scan, and new signal where it was taken out.

Imports ``core``, ``measure`` and ``files``.
It never claims a mask where the scans are not alike enough.
"""
