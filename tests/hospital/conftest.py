"""The study that is exported; made once for each file of tests."""

import pytest

from tests.hospital.results_case import Case, build_case


@pytest.fixture(scope="module")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    kind = getattr(request, "param", "classic")
    return build_case(kind, tmp_path_factory.mktemp(kind))
