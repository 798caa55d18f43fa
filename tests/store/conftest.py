"""A small published store, and a copy of it for each test."""

import shutil
from pathlib import Path

import pytest

from tests.factories import publish_tiny


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_tiny(tmp_path_factory.mktemp("published"))


@pytest.fixture
def database(published: Path, tmp_path: Path) -> Path:
    """A copy of a published store that a test may spoil."""
    return Path(shutil.copy(published, tmp_path))
