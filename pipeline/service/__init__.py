"""What goes on behind the pages: jobs that people asked for, scans they bring, the queue, the worker that does them.

Imports ``run`` and ``hospital`` and what those import.
It never draws a page and never decides what a run or an import does: a job is a run, asked for by a person.
"""
