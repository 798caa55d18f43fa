"""Many patients at once: survival, interval censoring, agreement of criteria, growth, disclosure control.

Pure: imports ``core`` and ``errors``; survival libraries stay inside ``cohort.survival``.
It never reads the store and never names a patient.
"""
