"""Pure rules and arithmetic: numpy and scipy on arrays, dates and frozen dataclasses.

Nothing here knows a path, a database, a clock, an environment variable or a log.
"""
