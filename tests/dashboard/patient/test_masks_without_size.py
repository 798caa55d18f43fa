"""Whoever accepts a mask has read why it has no size. Less than a second."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dashboard.patient import signing_section

COPY = "its mask is that of ses-01 voxel by voxel, and nobody accepted it for this visit"
MASKS = pd.DataFrame({
    "session_id": ["ses-02", "ses-02", "ses-03"], "compartment": ["tumour", "cyst", "tumour"], "is_primary": True,
    "mask_origin": "manual", "sha256": ["a", "b", "c"],
})  # fmt: skip
SIZES = pd.DataFrame({
    "session_id": ["ses-02", "ses-02", "ses-02", "ses-03"], "compartment": ["tumour", "cyst", "syrinx", "tumour"],
    "missing_reason": [COPY, None, "no mask", "mask excluded by A. Reader"],
    "is_excluded": [False, False, False, True],
})  # fmt: skip


@pytest.mark.parametrize(("session_id", "reasons"), [("ses-02", [f"No size of tumour: {COPY}."]), ("ses-03", [])])
def test_the_reason_why_a_mask_has_no_size_stands_beside_the_masks(
    monkeypatch: pytest.MonkeyPatch, session_id: str, reasons: list[str]
) -> None:
    remarks: list[str] = []

    def answer(name: str, **_: Any) -> pd.DataFrame:
        return {"patient_masks": MASKS, "patient_measurements": SIZES}[name]

    monkeypatch.setattr(signing_section.queries, "query", answer)
    monkeypatch.setattr(signing_section.page, "remark", remarks.append)
    signing_section.show_masks("sub-01", session_id)
    assert remarks[1:] == reasons
