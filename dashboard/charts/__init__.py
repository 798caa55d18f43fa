"""Figures: tables in, Plotly figures out; no file, no query, no Streamlit."""
