"""Third step: the masks of every visit, given ones as they are, missing ones found again.

A mask that a person drew is never changed. A visit without one gets the lesion of the latest earlier visits that have
masks (else of the earliest later one), found again on its own scan; such masks are ``automatic`` and wait for a
person. After surgery between the two visits the lesion is another one: then masks are only carried over, and show no
change. No automatic mask is made where the alignment has grade C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline import derivatives, fingerprints, images, kept_masks, segmentation, study
from pipeline.domain import records, uncertainty
from pipeline.domain.entities import Compartment, MaskOrigin
from pipeline.domain.grid import Volume
from pipeline.domain.transforms import compose
from pipeline.steps.align import AlignedVisit
from pipeline.steps.read import ReadVisit

AUTOMATIC_SOURCE = "cordtrack"
DRAWN_SOURCE = kept_masks.FOLDER
"""Source of the masks that people drew in place of others; no derivatives folder can have this name."""
PROBABILITY_DECIMALS = 3
"""Probabilities are stored and measured with this many decimals: far finer than they are known, and small on disk."""

FOUND_AGAIN = (segmentation.GROWN, segmentation.GROWN_FROM_THICK)

OPERATED = "only carried over, for surgery lies between the two visits"
NOT_COVERED = "not assessable: the place of this compartment lies outside the visit's field of view"
NOT_LOOKED = (
    "the earlier mask was empty here, and nobody looked at this visit; draw a mask, an empty one if nothing is seen"
)


@dataclass(frozen=True)
class MaskedVisit:
    """A visit's masks on its own grid, by source and compartment.

    ``source`` names the masks that are measured, the others are repeat reads; ``drawn`` holds those that people drew in
    place of measured ones, whose compartments ``masks[source]`` then lacks; ``origin`` is that of the source.
    ``missing`` says in words why a compartment known at another visit has no mask here; ``signals`` are places that may
    be new tumour.
    """

    session_id: str
    origin: MaskOrigin | None
    masks: Mapping[str, Mapping[Compartment, Volume]]
    rows: tuple[records.Segmentation, ...] = ()
    findings: tuple[records.Finding, ...] = ()
    missing: Mapping[Compartment, str] = field(default_factory=dict)
    missing_reason: str | None = None
    source: str | None = None
    drawn: Mapping[Compartment, Volume] = field(default_factory=dict)
    signals: tuple[records.NewSignal, ...] = ()

    @property
    def is_carried_over(self) -> bool:
        """Whether the tumour was only warped here from another visit, so that it can show no change."""
        tumour = (row for row in self.rows if row.is_primary and row.compartment == Compartment.TUMOUR)
        return any(row.method == segmentation.CARRIED_OVER for row in tumour)

    @property
    def found_again(self) -> frozenset[str]:
        """Compartments whose masks were found again on this visit's own scan."""
        return frozenset(row.compartment for row in self.rows if row.is_primary and row.method in FOUND_AGAIN)

    @property
    def is_from_thick(self) -> bool:
        """Whether the masks that were found again had been drawn on thick slices."""
        return any(row.method == segmentation.GROWN_FROM_THICK for row in self.rows)

    @property
    def has_tumour(self) -> bool:
        """Whether solid tumour was drawn; an empty mask is none."""
        return bool(Compartment.TUMOUR in self.primary and self.primary[Compartment.TUMOUR].array.any())

    @property
    def primary(self) -> Mapping[Compartment, Volume]:
        """The masks that are measured: a person's before a program's, then by the name of the source."""
        return {**(self.masks[self.source] if self.source else {}), **self.drawn}

    def spread_cv_of(self, compartment: Compartment) -> float | None:
        """Return how far apart the ways ended in which a compartment's measured mask was found, if in several."""
        rows = (row for row in self.rows if row.is_primary and row.compartment == compartment)
        return next((row.spread_cv for row in rows), None)

    def origin_of(self, compartment: Compartment) -> MaskOrigin | None:
        """Return who made a compartment's measured mask."""
        return MaskOrigin.EDITED if compartment in self.drawn else self.origin

    def source_of(self, compartment: Compartment) -> str:
        """Return which source a compartment's measured mask comes from."""
        return DRAWN_SOURCE if compartment in self.drawn else self.source or "none"


def given_masks(visit: ReadVisit) -> MaskedVisit:
    """Read the masks that people drew for a visit; odd ones are left out and said in findings."""
    if visit.image is None or visit.anchor is None:
        return MaskedVisit(visit.session_id, None, {}, missing_reason=visit.status_reason)
    masks: dict[str, dict[Compartment, Volume]] = {}
    rows = []
    found, findings = study.read_masks(visit.visit, visit.image)
    for compartment, mask, file in found:
        masks.setdefault(file.source, {})[compartment] = mask
    if not masks:
        return MaskedVisit(visit.session_id, None, {}, findings=tuple(findings))
    origins = {file.source: file.origin for _, _, file in found}
    primary = min(origins, key=lambda source: (origins[source] == MaskOrigin.AUTOMATIC, source))
    for compartment, _, file in found:
        rows.append(_given_row(visit, compartment, file, is_primary=file.source == primary))
    return MaskedVisit(visit.session_id, origins[primary], masks, tuple(rows), tuple(findings), source=primary)


def lesion_region(masked: MaskedVisit) -> Volume | None:
    """Return where a visit's masks show any lesion (not the cord itself), or None when they show none."""
    lesions = [mask for compartment, mask in masked.primary.items() if compartment != Compartment.CORD]
    if not lesions:
        return None
    union = np.any([mask.array >= 0.5 for mask in lesions], axis=0)
    return lesions[0].with_array(union) if union.any() else None


def automatic_masks(
    visit: ReadVisit,
    sources: Sequence[tuple[ReadVisit, MaskedVisit]],
    aligned: Mapping[str, AlignedVisit],
    out_dir: Path,
    *,
    operated_between: bool,
) -> MaskedVisit:
    """Find the compartments of masked visits again on a visit without masks.

    Parameters
    ----------
    visit
        The visit to mask.
    sources
        Visits with the masks that are used, at least one; the first says which compartments there are, and further
        ones are passed over where their alignment is poor. All with an image.
    aligned
        Alignments by session; all visits must be in it.
    operated_between
        Surgery lies between the visit and the first of the sources, or one of them has no date.
    """
    (first, given), *others = sources
    poor = [name for name in (visit.session_id, first.session_id) if aligned[name].grade == "C"]
    if poor:
        reason = f"alignment of {poor[0]} has grade C, so no mask was made; draw one on this visit's scan"
        return MaskedVisit(visit.session_id, None, {}, missing_reason=reason)
    used = [(first, given), *(pair for pair in others if aligned[pair[0].session_id].grade != "C")]
    rows_given = [row for _, masked in used for row in masked.rows if row.is_primary]
    key = fingerprints.of_values(
        "mask", visit.anchor_sha256, [source.anchor_sha256 for source, _ in used], operated_between,
        [(row.path, row.sha256) for row in rows_given],
        [
            aligned[each.session_id].record and aligned[each.session_id].record.input_sha256  # type: ignore[union-attr]  # the `and` guards it
            for each in (visit, *(source for source, _ in used))
        ],
        fingerprints.of_code("pipeline.segmentation"), fingerprints.of_file(Path(__file__)), fingerprints.software(),
    )  # fmt: skip
    sidecar = out_dir / _mask_path(visit, Compartment.TUMOUR).replace(".nii.gz", ".json")
    step = derivatives.read_step(sidecar, out_dir, key)
    if step is None:
        files, made = _segment(visit, used, aligned, out_dir, may_grow=not operated_between)
        step = derivatives.Step(key, files, made)
        derivatives.write_step(sidecar, step, [row.path for row in rows_given], fingerprints.software())
    rows = derivatives.of_kind(step.records, records.Segmentation)
    masks = {Compartment(row.compartment): images.load(out_dir / row.path) for row in rows}
    return MaskedVisit(
        visit.session_id,
        MaskOrigin.AUTOMATIC,
        {AUTOMATIC_SOURCE: masks},
        tuple(rows),
        missing=_missing(given, masks),
        source=AUTOMATIC_SOURCE,
    )


def _segment(
    visit: ReadVisit,
    used: Sequence[tuple[ReadVisit, MaskedVisit]],
    aligned: Mapping[str, AlignedVisit],
    out_dir: Path,
    *,
    may_grow: bool,
) -> tuple[tuple[str, ...], tuple[records.Segmentation, ...]]:
    """Write the masks of one visit; return their paths and records."""
    assert visit.image is not None
    ways = []
    for source, masked in used:
        assert source.image is not None
        to_source = compose(aligned[visit.session_id].to_reference, aligned[source.session_id].from_reference)
        drawn = segmentation.MaskedVisit(source.image, {str(c): mask for c, mask in masked.primary.items()})
        ways.append(segmentation.follow_up_masks(drawn, visit.image, to_source, may_grow=may_grow))
    found, given = segmentation.together(ways), used[0][1]
    named = " and ".join(source.session_id for source, _ in used)
    rows, files = [], []
    for name, probability in sorted(found.probabilities.items()):
        if _is_empty(given, Compartment(name)):
            continue  # an empty mask that was warped looked at nothing: neither "still nothing" nor a volume
        path = _mask_path(visit, Compartment(name))
        rounded = np.round(probability.array, PROBABILITY_DECIMALS).astype(np.float32)
        images.save(probability.with_array(rounded), out_dir / path)
        files.append(path)
        operated = () if may_grow else (OPERATED,)
        note = "; ".join([f"from the masks of {named}", *operated, *found.notes])
        row = _automatic_row(visit, Compartment(name), path, out_dir, found.methods[name], note)
        rows.append(replace(row, spread_cv=uncertainty.mean_cv(found.ways_mm3.get(name, ()))))
    return tuple(files), tuple(rows)


def _missing(given: MaskedVisit, masks: Mapping[Compartment, Volume]) -> dict[Compartment, str]:
    return {
        compartment: NOT_LOOKED if _is_empty(given, compartment) else NOT_COVERED
        for compartment in given.primary
        if compartment not in masks
    }


def _is_empty(given: MaskedVisit, compartment: Compartment) -> bool:
    return not given.primary[compartment].array.any()


def _mask_path(visit: ReadVisit, compartment: Compartment) -> str:
    return study.derivative_path(
        visit.visit.patient_id,
        visit.session_id,
        suffix="probseg",
        extension=".nii.gz",
        space="orig",
        seg=AUTOMATIC_SOURCE,
        label=str(compartment),
    ).as_posix()


def _given_row(
    visit: ReadVisit, compartment: Compartment, file: study.MaskFile, *, is_primary: bool
) -> records.Segmentation:
    assert visit.anchor is not None
    return records.Segmentation(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        source=file.source,
        mask_origin=str(file.origin),
        folder="study",
        path=file.relative,
        scan_path=visit.anchor.relative,
        sha256=fingerprints.of_file(file.path),
        is_primary=is_primary,
        method="given: drawn by a person" if file.origin != MaskOrigin.AUTOMATIC else "given: origin not stated",
        note=None,
        software="",
    )


def _automatic_row(
    visit: ReadVisit, compartment: Compartment, path: str, out_dir: Path, method: str, note: str
) -> records.Segmentation:
    assert visit.anchor is not None
    return records.Segmentation(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        source=AUTOMATIC_SOURCE,
        mask_origin=str(MaskOrigin.AUTOMATIC),
        folder="output",
        path=path,
        scan_path=visit.anchor.relative,
        sha256=fingerprints.of_file(out_dir / path),
        is_primary=True,
        method=method,
        note=note,
        software=fingerprints.software(),
    )
