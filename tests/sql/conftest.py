from pathlib import Path

import pytest

from tests.factories import copy_tiny


@pytest.fixture(scope="package")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-written store, for reading only."""
    return copy_tiny(tmp_path_factory.mktemp("tiny"))
