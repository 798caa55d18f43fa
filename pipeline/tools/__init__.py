"""Single questions outside a study: one mask measured, one pair aligned, one table judged.

Imports the rooms that answer them; only ``cli`` imports it.
It never computes in a way of its own.
"""
