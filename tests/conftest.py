"""Settings for all tests: property tests draw the same examples each time and are never judged by the clock."""

from hypothesis import settings

settings.register_profile("cordtrack", deadline=None, derandomize=True)
settings.load_profile("cordtrack")
