"""Figures: tables in, Plotly figures out.

Imports ``words`` and the pipeline's ``core``.
It never reads a file or a query, never calls Streamlit, and never computes a number that a table does not hold.
"""
