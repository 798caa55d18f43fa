"""Bringing a follow-up scan onto the reference scan, cord first, and the certificate that says how far to believe it.

The one room with ANTs; imports ``core``, ``cord``, ``files`` and ``errors``.
It never resamples what is measured, and it never says that two scans fit because they should.
"""
