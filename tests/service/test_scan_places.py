"""Folders of the server that scans may be added from: below the roots that were named, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.service import scan_places


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "inbox" / "may" / "disc").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "inbox" / "out").symlink_to(tmp_path / "secret")
    value = scan_places.check_roots([tmp_path / "inbox"], [tmp_path / "study"])
    return scan_places.roots_in({scan_places.ROOTS_VARIABLE: value})


def test_folders_below_a_root_are_offered_and_links_are_not(roots: dict[str, Path]) -> None:
    assert scan_places.offered(roots) == ("inbox", "inbox/may", "inbox/may/disc")
    assert scan_places.folder_called("inbox/may", roots) == roots["inbox"] / "may"


@pytest.mark.parametrize(
    "name",
    ["", "secret", "inbox/..", "inbox/../secret", "inbox/out", "inbox//", "/etc", "inbox/may/../../secret", "inbox/no",
     "inbox\\..", "..", "inbox/./may"],
)  # fmt: skip
def test_what_was_not_offered_is_refused(roots: dict[str, Path], name: str) -> None:
    with pytest.raises(SettingsError, match=r"nothing was read|choose another"):
        scan_places.folder_called(name, roots)


def test_a_root_holds_neither_study_nor_results(tmp_path: Path) -> None:
    (tmp_path / "a" / "study").mkdir(parents=True)
    for root in (tmp_path / "a", tmp_path / "a" / "study", tmp_path / "none"):
        with pytest.raises(SettingsError, match="expected"):
            scan_places.check_roots([root], [tmp_path / "a" / "study"])
    assert scan_places.roots_in({}) == {}
