"""The steps of one patient's story, each a function that takes what is known and returns more of it, frozen.

Imports the rooms below ``run``; a step may import earlier steps. ``pipeline.run.patient_run`` lists them in order.
A step never reads a clock and never decides what another room has a rule for.
"""
