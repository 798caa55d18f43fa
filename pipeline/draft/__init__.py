"""A first outline of a lesion from a few clicks: along rays from the first click, in coordinates of the cord.

Pure: imports ``core``, ``cord`` and ``errors``.
It never saves, never measures for a report, and never proposes where no cord was found.
"""
