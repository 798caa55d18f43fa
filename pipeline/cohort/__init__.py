"""Many patients at once: survival, interval censoring, agreement of criteria, growth, disclosure control.

Pure: imports ``core`` and ``errors``; statsmodels is loaded when it is asked for, lifelines, firthmodels and comprisk
stay inside ``cohort.survival``.
It never reads the store and never names a patient.
"""
