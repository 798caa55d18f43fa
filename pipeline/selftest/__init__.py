"""Growth of known size implanted in one scan and measured by the real path: how wrong that is on its protocol.

Imports ``align``, ``refind``, ``measure``, ``files`` and ``core``; only ``cli`` imports it.
It never touches a study, and what it makes says that it is synthetic.
"""
