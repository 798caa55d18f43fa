"""All findings of one lesion at one visit, from its scene and the visit's scans.

Which scan serves which finding is chosen here, the measuring is done by the modules of each subject. What this module
refuses: to leave a finding of the list out; one of which nothing can be said stands with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.finding_terms import Described, LesionFinding, complete, unsaid
from pipeline.description import (
    blood_signal,
    cavities,
    contrast_uptake,
    cord_form,
    lesion_edge,
    lesion_place,
    tissue_diffusion,
    tissue_signal,
)
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.lesion_place import LevelsHere
from pipeline.description.lesion_scene import AlignedScan, LesionScene
from pipeline.description.seen_edge import WET_ON

SIGNALS = (
    (LesionFinding.T1_SIGNAL, "T1w", "no T1w without contrast agent at this visit"),
    (LesionFinding.T2_SIGNAL, "T2w", "no T2w at this visit"),
    (LesionFinding.STIR_SIGNAL, "STIR", "no STIR at this visit"),
    (LesionFinding.PD_SIGNAL, "PDw", "no PDw at this visit"),
)
"""Finding, contrast that tells it, and what is said without."""

EVEN_ON = ("T2w", "T1w_ce", "T1w", "STIR", "PDw")
EDGE_ON = ("T2w", "STIR", "T1w", "T1w_ce", "PDw")
BLOOD_ON = ("swi", "T2star", "T2starw", "MEGRE", "T2w")
USED = frozenset({*EVEN_ON, *BLOOD_ON, "ADC", "dwi"})
"""Contrasts that a description is made from; STIR is a name given here (:func:`contrast_of`)."""


def contrast_of(suffix: str, acquisition: str | None) -> str:
    """Name a scan's contrast: a T2w whose ``acq-`` label says stir is a STIR.

    Examples
    --------
    >>> contrast_of("T2w", "sagSTIR"), contrast_of("T2w", "sag"), contrast_of("T1w_ce", None)
    ('STIR', 'T2w', 'T1w_ce')
    """
    return "STIR" if suffix in ("T2w", "STIR") and "stir" in f"{acquisition or ''} {suffix}".lower() else suffix


def description_of(
    scene: LesionScene,
    scans: Sequence[AlignedScan],
    here: LevelsHere,
    limits: DescriptionLimits,
    no_map: str = tissue_diffusion.NO_MAP,
) -> tuple[Described, ...]:
    """Describe one lesion at one visit, every finding of the list.

    Parameters
    ----------
    scene
        The lesion and its cord on the anchor's grid.
    scans
        Those of the visit that could be aligned to the anchor, the anchor first.
    here
        Its place along the patient's centre line.
    no_map
        Why there is no map of diffusion among the scans, where there is none.
    """
    by_contrast: dict[str, AlignedScan] = {}
    for scan in scans:
        by_contrast.setdefault(scan.contrast, scan)
    anchor = scans[0]
    signals = tuple(
        tissue_signal.signal_of_scan(name, by_contrast[contrast], scene, limits)
        if contrast in by_contrast
        else unsaid(name, reason)
        for name, contrast, reason in SIGNALS
    )
    described = (
        *lesion_place.place_findings(scene, here, anchor.path),
        *cord_form.cord_findings(scene, here, anchor, limits),
        *signals,
        tissue_signal.heterogeneity_of(_chosen(by_contrast, EVEN_ON), scene, limits),
        lesion_edge.margin_finding(_chosen(by_contrast, EDGE_ON), scene, limits),
        *contrast_uptake.uptake_of(by_contrast.get("T1w"), by_contrast.get("T1w_ce"), scene, limits),
        *cavities.cavity_findings(scene, anchor.path, limits, _chosen(by_contrast, WET_ON)),
        *blood_signal.blood_findings(_chosen(by_contrast, BLOOD_ON), by_contrast.get("T1w"), scene, limits),
        *tissue_diffusion.diffusion_of(by_contrast.get("ADC"), scene, limits, no_map),
    )
    return complete(described, "not described")


def undescribed(reason: str) -> tuple[Described, ...]:
    """Return all findings of a lesion of which nothing can be said at a visit, each with the reason."""
    return complete((), reason)


def _chosen(by_contrast: dict[str, AlignedScan], order: Sequence[str]) -> list[AlignedScan]:
    return [by_contrast[contrast] for contrast in order if contrast in by_contrast]
