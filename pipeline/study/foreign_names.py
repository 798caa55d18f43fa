"""Masks named as the data sets of ivadomed, spine-generic and the Spinal Cord Toolbox name them.

They stand after the scan's whole name: ``sub-01_T2w_tumor.nii.gz``, ``sub-01_T2w_label-SC_seg.nii.gz``,
``sub-01_T2w_lesion-manual.nii.gz``. What such a word means is looked up like any other name of a compartment and never
guessed: ``lesion`` may or may not include oedema and cyst, and ``seg`` alone may be anything.

References
----------
Spine-generic: 10.1038/s41597-021-00941-8; ivadomed: 10.21105/joss.02868.
"""

from __future__ import annotations

import re

from pipeline.study.names import BidsName, parse_name
from pipeline.study.scans import CONTRASTS

DESCRIBED = r"(?:desc-[0-9A-Za-z+]+_)?"
AFTER_SCAN = re.compile(
    rf"(?P<scan>(?:[a-z]+-[0-9A-Za-z+]+_)+(?:{'|'.join(CONTRASTS['anat'])}))_{DESCRIBED}"
    rf"(?:label-(?P<label>[0-9A-Za-z+-]+?)_{DESCRIBED}(?P<kind>[a-z]*seg|mask)"
    r"|(?:(?:seg|mask)[-_])?(?P<word>[A-Za-z][A-Za-z0-9+-]*?)(?:[-_](?P<after>(?:soft|prob)?seg|mask))?)"
    r"(?:[-_]manual)?(?:[-_](?:rater|reader)-?\d+)?(?P<extension>\.nii(?:\.gz)?)"
)
SOFT = frozenset({"probseg", "softseg"})
"""Kinds that hold shares from 0 to 1."""

NO_MASK = re.compile(r"dlabel|cent(er|re)line|pmj|landmark|labels-|label-discs?|labeled|warp|_reg\b", re.IGNORECASE)
"""What stands in the names of derivatives that are no masks of a compartment."""


def foreign_mask_name(file_name: str) -> BidsName | None:
    """Return the BIDS name that a foreign name of a mask stands for; None when the file is named otherwise.

    Examples
    --------
    >>> foreign_mask_name("sub-01_ses-02_run-02_T2w_tumor.nii.gz")
    BidsName(entities={'sub': '01', 'ses': '02', 'run': '02', 'label': 'tumor'}, suffix='mask', extension='.nii.gz')
    >>> foreign_mask_name("sub-01_T1w_label-lesion_softseg.nii").suffix
    'probseg'
    >>> foreign_mask_name("sub-01_T2w_lesion-manual.nii.gz").entities["label"]
    'lesion'
    >>> names = ("tumor_seg", "tumor-manual-rater1", "seg-tumor", "label-tumor_desc-manual_mask", "tumor_softseg")
    >>> [foreign_mask_name(f"sub-01_T2w_{name}.nii").entities["label"] for name in names]
    ['tumor', 'tumor', 'tumor', 'tumor', 'tumor']
    >>> foreign_mask_name("sub-01_T2w_centerline-manual.nii.gz") is None
    True
    """
    match = AFTER_SCAN.fullmatch(file_name)
    if match is None:
        return None
    scan = parse_name(f"{match['scan']}{match['extension']}")
    word = match["label"] or match["word"]
    if scan is None or NO_MASK.search(file_name):
        return None
    suffix = "probseg" if (match["kind"] or match["after"] or "") in SOFT else "mask"
    return BidsName({**scan.entities, "label": word}, suffix, scan.extension)
