"""Readers of one scan who do not agree: where one draws a compartment and another sees none, it has no size.

Which of them is right nobody can tell from the masks; the first by name would make a complete response of a slip.
Readers whose sizes lie far apart are named, and the error of the size allows for it (``measurement_error``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.core import records, wording
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.measure.volumes import OBJECT_PROBABILITY
from pipeline.run.steps.visit_work import ReadVisit

FAR_APART = 2.0
"""Sizes of one compartment by two readers of one scan that differ so many times are named (a proposal)."""


def readers_apart(
    visit: ReadVisit, masks: Mapping[str, Mapping[Compartment, Volume]], readers: Sequence[str]
) -> tuple[tuple[records.Finding, ...], dict[Compartment, str]]:
    """Compare what readers drew on one scan, compartment by compartment; the cord is no lesion.

    Parameters
    ----------
    masks
        By source and compartment, booleans or probabilities on the scan's grid.
    readers
        Sources that count alike: those of people, or those of programs where no person drew.

    Returns
    -------
    tuple of Finding
        ``readers_disagree`` and ``readers_differ``.
    dict
        The compartments that one reader draws and another does not, with who sees what, in words.
    """
    findings, disputed = list[records.Finding](), dict[Compartment, str]()
    for compartment in (one for one in Compartment if one != Compartment.CORD):
        sizes = {one: _size_mm3(masks[one][compartment]) for one in readers if compartment in masks[one]}
        if len(sizes) < 2 or max(sizes.values()) <= FAR_APART * min(sizes.values()):
            continue
        seen = " and ".join(f"{wording.volume(size) if size else 'none'} by {one}" for one, size in sizes.items())
        code = "readers_differ" if min(sizes.values()) else "readers_disagree"
        words = f"expected readers who agree on the {compartment} of this scan, found {seen}"
        findings.append(finding(code, f"{visit.named}: {words}", **visit.subject))
        if code == "readers_disagree":
            disputed[compartment] = f"its readers do not agree whether there is any: {seen}"
    return tuple(findings), disputed


def _size_mm3(mask: Volume) -> float:
    return float(np.count_nonzero(mask.array >= OBJECT_PROBABILITY) * np.prod(mask.spacing_mm))
