"""Who is who: pseudonyms, shifted dates, and the private folder that alone knows the way back.

Imports ``core``, ``files`` and ``hospital.read``.
What identifies a person never leaves this room in clear.
"""
