"""Files with labels of discs: which of a study folder's derivatives they are, by the names that are in use.

``pipeline.study.disc_voxels`` reads their voxels; what the numbers mean says ``pipeline.measure.vertebral_levels``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.vocabulary import MaskOrigin
from pipeline.study.names import BidsName

DISC_NAME = re.compile(
    r"(?:sub-(?P<sub>[0-9A-Za-z+]+)_)(?:ses-(?P<ses>[0-9A-Za-z+]+)_)?(?:[0-9A-Za-z+-]+_)*?"
    r"(?:label-discs?(?:_desc-[0-9A-Za-z+]+)?_dlabel|labels-disc-manual|labeled_discs)(?P<extension>\.nii(?:\.gz)?)"
)
"""Names of the spine-generic data sets (``sub-01_ses-01_T2w_label-discs_dlabel.nii.gz``, formerly
``..._T2w_labels-disc-manual.nii.gz``), and of what ``sct_label_vertebrae`` writes (``..._labeled_discs.nii.gz``). The
contrast stands within, so that they are no BIDS names."""


@dataclass(frozen=True)
class DiscFile:
    """Labels of discs on one scan of one visit.

    Attributes
    ----------
    path
        Absolute.
    relative
        Relative to the study folder, with ``/``.
    source
        Name of the derivatives folder.
    origin
        Manual only where that is stated, as with masks.
    """

    path: Path
    relative: str
    patient_id: str
    session_id: str
    source: str
    origin: MaskOrigin


def disc_name(file_name: str) -> BidsName | None:
    """Take the name of a file with disc labels apart: patient, visit and extension; None for any other file.

    Examples
    --------
    >>> disc_name("sub-01_ses-02_acq-sag_T2w_label-discs_dlabel.nii.gz").entities
    {'sub': '01', 'ses': '02'}
    >>> disc_name("sub-01_ses-02_label-discs_dseg.nii.gz") is None
    True
    """
    match = DISC_NAME.fullmatch(file_name)
    if match is None:
        return None
    entities = {key: match[key] for key in ("sub", "ses") if match[key] is not None}
    return BidsName(entities, "dlabel", match["extension"])
