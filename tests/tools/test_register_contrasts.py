"""Two scans are laid on one another as alike only where their names, the user or the images say that they are."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.align import registration, without_mask
from pipeline.core.transform import identity
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.tools import one_scan


@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        ("sub-01_ses-02_T2w.nii.gz", "T2w"),
        ("sub-01_ses-02_ce-gadolinium_T1w.nii.gz", "T1w"),
        ("T1.nii", "T1w"),
        ("spine t2star.nii.gz", "T2starw"),
        ("Smith_sag_t2_2021-03.nii.gz", "T2w"),
        ("t1_to_t2.nii.gz", None),
        ("at2.nii.gz", None),
        ("scan12.nii.gz", None),
    ],
)
def test_the_contrast_is_read_from_a_name_or_not_known(name: str, contrast: str | None) -> None:
    assert one_scan.contrast_of(name) == contrast


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> dict[bool, str]:
    """Stand for the alignment: the grade that a pair gets as alike (True) and as different (False)."""
    grades = {True: "A", False: "B"}

    def align(*_: object, same_contrast: bool = True, **__: object) -> SimpleNamespace:
        there = identity("reference", "follow-up")
        quality = SimpleNamespace(grade=grades[same_contrast])
        return SimpleNamespace(to_follow_up=there, to_reference=there, quality=quality, as_alike=same_contrast)

    monkeypatch.setattr(registration, "align", align)
    monkeypatch.setattr(without_mask, "align_around", align)
    monkeypatch.setattr(without_mask, "cord_of", lambda _: None)
    return grades


def as_alike(tmp_path: Path, names: tuple[str, str], told: tuple[str | None, str | None] = (None, None)) -> bool:
    for place, name in enumerate(names):
        images.save(Volume(np.arange(64.0).reshape(4, 4, 4) + place, np.eye(4)), tmp_path / name)
    found = one_scan.register_files(tmp_path / names[0], tmp_path / names[1], f"{tmp_path}/p_", None, told)
    return found.as_alike


@pytest.mark.parametrize(
    ("names", "told", "is_alike"),
    [
        (("a_T2w.nii", "b_T2w.nii"), (None, None), True),
        (("a_T1w.nii", "b_T2w.nii"), (None, None), False),
        (("a_T1w.nii", "b_ce-gd_T1w.nii"), (None, None), True),
        (("a.nii", "b.nii"), ("T1w", "t2"), False),
        (("a.nii", "b.nii"), ("T1w_ce", "T1w"), True),
        (("a_T1w.nii", "b_T2w.nii"), ("T2w", None), True),  # what a person says goes before a name
        (("a.nii", "b_T1w.nii"), ("T2w", None), False),
    ],
)
def test_names_and_the_user_decide(tmp_path: Path, tried: dict[bool, str], names, told, is_alike: bool) -> None:
    assert as_alike(tmp_path, names, told) == is_alike


@pytest.mark.parametrize(
    ("alike", "different", "expected"), [("A", "B", True), ("B", "B", True), ("C", "B", False), ("C", "C", True)]
)
def test_where_nobody_knows_the_images_must_show_it(
    tmp_path: Path, tried: dict[bool, str], alike: str, different: str, expected: bool
) -> None:
    tried.update({True: alike, False: different})
    assert as_alike(tmp_path, ("a.nii", "b.nii")) == expected


def test_one_scan_under_two_names_is_said(tmp_path: Path) -> None:
    signal = np.arange(64.0).reshape(4, 4, 4)
    for name, array in (("a.nii", signal), ("b.nii.gz", signal), ("c.nii", signal + 1)):
        images.save(Volume(array, np.eye(4)), tmp_path / name)
    assert "a.nii and b.nii.gz hold the very same voxels" in str(
        one_scan.doubt_about(tmp_path / "a.nii", tmp_path / "b.nii.gz")
    )
    assert one_scan.doubt_about(tmp_path / "a.nii", tmp_path / "c.nii") is None


@pytest.mark.parametrize("blank", [0.0, 7.0])
def test_a_scan_that_shows_nothing_is_aligned_to_nothing(tmp_path: Path, tried: dict[bool, str], blank: float) -> None:
    images.save(Volume(np.arange(64.0).reshape(4, 4, 4), np.eye(4)), tmp_path / "a.nii")
    images.save(Volume(np.full((4, 4, 4), blank), np.eye(4)), tmp_path / "b.nii")
    with pytest.raises(InputError, match=f"b.nii: expected signal .* found {blank:g} in every voxel; export the scan"):
        one_scan.register_files(tmp_path / "a.nii", tmp_path / "b.nii", f"{tmp_path}/p_", None, (None, None))
