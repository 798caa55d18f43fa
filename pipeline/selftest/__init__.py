"""Growth of known size implanted in one scan and measured by the real path: how wrong that is on its protocol.

Synthetic by construction, and said so in every file it writes. It refuses a scan without a mask of its cord.
"""
