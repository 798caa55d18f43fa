"""Nothing is claimed of a healthy cord in which somebody drew a lesion where none is. About 10 s; needs real scans."""

from __future__ import annotations

import pytest

from tests.benchmark.healthy_cords import GM_CHALLENGE, claims_of, described, healthy_cords


@pytest.mark.skipif(not GM_CHALLENGE.is_dir(), reason="the real scans are not beside the project")
def test_no_blood_expansion_or_enhancement_is_claimed_with_or_without_a_mask_of_the_cord() -> None:
    one = next(healthy_cords())
    for is_drawn in (True, False):
        rows = described(one, 0.35, is_drawn)
        assert not isinstance(rows, str), rows
        assert claims_of(rows) == []
        assert rows["enhancement"].value == "none", "it was looked for"
        assert rows["blood"].value == "absent"
