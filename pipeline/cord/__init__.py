"""Where the cord lies in a scan: its centre line, its radius, how sure that is, or why there is none.

Imports ``core`` and ``errors``; its one file is the packaged table of how a cord's surroundings look.
It never measures a cord's size for a report, never judges, and never says "here" where the scan does not show it.
"""
