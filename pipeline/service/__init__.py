"""What goes on behind the pages: jobs that people asked for, the queue they wait in, the worker that does them.

Imports ``run`` and what that imports.
It never draws a page and never decides what a run does: a job is a run, asked for by a person.
"""
