from pathlib import Path

import pytest

from tests.factories import publish_tiny


@pytest.fixture(scope="package")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-written store, for reading only."""
    return publish_tiny(tmp_path_factory.mktemp("tiny"))
