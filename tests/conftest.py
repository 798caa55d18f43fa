"""Settings for all tests: property tests draw the same examples each time and are never judged by the clock.

Tests run side by side, one process a core, so each keeps to one thread, as the workers of a run do.
"""

import os

for limit in ("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[limit] = "1"  # before numpy is imported: it reads them once

from hypothesis import settings  # noqa: E402

settings.register_profile("cordtrack", deadline=None, derandomize=True)
settings.load_profile("cordtrack")
