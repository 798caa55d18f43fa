"""What every page has around it: styles, run notice, address bar, who signs, the dark ground.

Imports ``data`` and ``words``.
It never knows which page it stands on.
"""
