"""What the pages read and put on record: publications, rows, scan files, acts, drawings.

The one room that calls the pipeline's ``store`` and ``journal``.
It never makes markup or a figure.
"""
