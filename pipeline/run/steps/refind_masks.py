"""The masks of a visit that nobody drew on, found again from those of masked visits.

Such masks are ``automatic`` and wait for a person. After surgery between the two visits the lesion is another one: then
masks are only carried over, and show no change. No mask is made where the alignment has grade C, none of a lesion
where the scans differ too much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.transform import compose
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.files import fingerprints, finished_steps
from pipeline.measure import measurement_error, volumes
from pipeline.refind import other_contrast, refinding
from pipeline.refind.likeness import disturbed_in_words
from pipeline.refind.shrinkage import scar_in_words, shrinkage_cv, shrinkage_in_words
from pipeline.run.steps import apply_acts, choose_donor, mask_records, search_signal, second_contrast, use_drawings
from pipeline.run.steps.mask_records import AUTOMATIC_SOURCE, SCAN_DISTURBED, SCANS_DIFFER, SHRINKAGE_UNSURE
from pipeline.run.steps.patient_work import PatientWork, attempt
from pipeline.run.steps.visit_work import MaskedVisit, PlacedVisit, VisitWork

SIZE_UNTOLD = "size_untold"
"""Under this word a finished step keeps why the tumour has no size; the finding that it has none says it to people."""

OPERATED = "only carried over, for surgery lies between the two visits"
NOT_COVERED = "not assessable: the place of this compartment lies outside the visit's field of view"
NOT_LOOKED = (
    "the earlier mask was empty here, and nobody looked at this visit; draw a mask, an empty one if nothing is seen"
)


def find_again(work: PatientWork) -> PatientWork:
    """Find the masks of visits that nobody drew on in the study folder again, from the masks that people offer."""
    if work.plan.mask_source is not None:
        return work
    treatments = work.plan.patient.treatments
    people = apply_acts.offered(work.plan.patient.acts, [use_drawings.drawn_over(visit) for visit in work.visits])
    donors = choose_donor.donors([visit for visit in people if isinstance(visit, PlacedVisit)], treatments)
    visits: list[VisitWork] = []
    findings: list[records.Finding] = []
    for visit in (visit for visit in work.placed if not visit.masks.is_drawn_on):
        chosen = choose_donor.choose_donors(visit, donors, treatments)
        if not chosen:
            continue
        operated = choose_donor.operated_between(visit.read, chosen[0].read, treatments)
        treated = choose_donor.treated_before(visit.read, chosen[0].read, treatments)
        find = partial(
            automatic_masks, visit, chosen, work.plan.out_dir, operated_between=operated, treated_before=treated
        )
        masks, not_found = attempt(find, visit.read, "mask")
        findings += not_found
        if masks is None:
            continue
        better = replace(visit, masks=masks)
        if masks.masks and not operated:
            earlier = _up_to(visit, chosen[0], donors)
            look = partial(search_signal.with_new_signal, better, chosen[0], earlier, work.plan.out_dir)
            with_signal, not_searched = attempt(look, visit.read, "signal")
            better = replace(better, masks=with_signal or masks)
            findings += not_searched
        visits.append(better)
    return work.changing(visits).adding(*findings)


def _up_to(visit: PlacedVisit, donor: PlacedVisit, donors: Sequence[PlacedVisit]) -> tuple[PlacedVisit, ...]:
    """Return the visits whose drawn masks may be used for a visit: its donor and those before it."""
    place = [other.session_id for other in donors].index(visit.session_id)
    return tuple(one for n, one in enumerate(donors) if n < place or one.session_id == donor.session_id)


def automatic_masks(
    visit: PlacedVisit,
    donors: Sequence[PlacedVisit],
    out_dir: Path,
    *,
    operated_between: bool,
    treated_before: bool = False,
) -> MaskedVisit:
    """Find the compartments of masked visits again on a visit without masks.

    Parameters
    ----------
    donors
        Visits with the masks that are used, at least one; the first says which compartments there are, and further
        ones are passed over where their alignment is poor.
    operated_between
        Surgery lies between the visit and the first of the donors, or one of them has no date.
    treated_before
        A treatment that can shrink a tumour had begun before the visit.
    """
    first, *others = donors
    poor = next((one.session_id for one in (visit, first) if not one.is_comparable), None)
    if poor is not None:
        reason = f"alignment of {poor} has grade C, so no mask was made; draw one on this visit's scan"
        return MaskedVisit(visit.session_id, None, {}, missing_reason=reason)
    used = [first, *(other for other in others if other.is_comparable)]
    sources = [row for donor in used for row in donor.masks.measured_rows]
    key = fingerprints.of_values(
        "mask", visit.read.anchor_sha256, [donor.read.anchor_sha256 for donor in used], operated_between,
        treated_before, visit.read.contrast, [donor.read.contrast for donor in used],
        [(row.path, row.sha256) for row in sources],
        [one.place.input_sha256 for one in (visit, *used)],
        second_contrast.digest((visit, *used)),
        fingerprints.of_code("pipeline.refind.other_contrast"),
        [fingerprints.of_file(Path(code)) for code in (__file__, mask_records.__file__, second_contrast.__file__)],
        fingerprints.software(),
    )  # fmt: skip
    make = partial(_segment, visit, used, out_dir, may_grow=not operated_between, is_treated=treated_before)
    sidecar = mask_records.automatic_sidecar(visit.read, AUTOMATIC_SOURCE)
    step = finished_steps.cached(sidecar, out_dir, key, [row.path for row in sources], make)
    mask_rows = step.of_kind(records.Segmentation)
    masks = mask_records.read_automatic(mask_rows, out_dir)
    findings = step.of_kind(records.Finding)
    refused = next((f"{step.words[row.code]}; {row.remedy}" for row in findings if row.code in step.words), None)
    why_missing = {c: _why_missing(first.masks, c, refused) for c in first.masks.primary if c not in masks}
    if SIZE_UNTOLD in step.words:
        why_missing[Compartment.TUMOUR] = f"{step.words[SIZE_UNTOLD]}; draw it on this scan"
    return MaskedVisit(
        visit.session_id,
        MaskOrigin.AUTOMATIC,
        {AUTOMATIC_SOURCE: masks},
        mask_rows,
        findings,
        missing=why_missing,
        source=AUTOMATIC_SOURCE,
        bounds={c: words for c in masks if (words := _cut_off(c, used))},
    )


def _cut_off(compartment: Compartment, used: Sequence[PlacedVisit]) -> str | None:
    """Say where the mask that a compartment is found again from reaches the edge of its own scan; None where not.

    Only what lies in that scan's field of view is found again, so that there may be more.
    """
    drawn = ((one, one.masks.primary.get(compartment)) for one in used)
    cut = [one.session_id for one, mask in drawn if mask is not None and volumes.edges_reached(mask, one.read.image)]
    if not cut:
        return None
    return f"its mask at {' and '.join(cut)} reaches the edge of that scan, beyond which nothing could be found again"


def _segment(
    visit: PlacedVisit, used: Sequence[PlacedVisit], out_dir: Path, *, may_grow: bool, is_treated: bool
) -> finished_steps.StepResult:
    """Write the masks of one visit; return their records, and what is to be said of it."""
    ways = tuple(_ways(visit, used, may_grow=may_grow))
    held = second_contrast.held_against_it(refinding.together(ways), visit, used, out_dir)
    both = refinding.after_treatment(held) if is_treated else replace(held, scar_cv={})
    givers = [donor for donor, way in zip(used, ways, strict=True) if both.refusal is not None or way.refusal is None]
    named = " and ".join(donor.session_id for donor in givers)
    mask_rows = []
    for name, probability in sorted(both.probabilities.items()):
        compartment = Compartment(name)
        if _is_empty(used[0].masks, compartment):
            continue  # an empty mask that was warped looked at nothing: neither "still nothing" nor a volume
        operated = () if may_grow else (OPERATED,)
        making = mask_records.MaskMaking(
            AUTOMATIC_SOURCE,
            both.methods[name],
            "; ".join([f"from the masks of {named}", *operated, *both.notes, *_doubts_of(name, both)]),
            measurement_error.mean_cv(both.ways_mm3.get(name, ())),
            both.signal_cv.get(name),
            both.shrinkage_cv.get(name),
        )
        mask_rows.append(mask_records.keep_automatic(visit.read, compartment, probability, making, out_dir))
    doubts = _doubts(named, both, givers)
    findings = (finding(code, f"{visit.read.named}: {words}", **visit.read.subject) for code, words in doubts.items())
    refused = {code: words for code, words in doubts.items() if code == SCANS_DIFFER}
    untold = {SIZE_UNTOLD: "; ".join(both.untold.values())} if both.untold else {}
    return finished_steps.StepResult(tuple(row.path for row in mask_rows), (*mask_rows, *findings), refused | untold)


def _doubts_of(name: str, both: refinding.FollowUpMasks) -> Iterator[str]:
    """Yield why one compartment's mask is less sure than others of the visit."""
    if name in both.disturbed:
        yield f"less sure: {disturbed_in_words(name, both.signal_cv[name])}"
    if name in both.smaller_elsewhere:
        yield f"less sure: {both.smaller_elsewhere[name]}"
    if name in both.scar_cv:
        yield f"less sure: {scar_in_words(name, both.scar_cv[name])}"


def _doubts(named: str, both: refinding.FollowUpMasks, donors: Sequence[PlacedVisit]) -> dict[str, str]:
    """Say what a person should know of a visit's scan, by code: nothing could be found on it, or not surely."""
    tumour = other_contrast.TUMOUR
    doubts = {}
    if both.refusal is not None:
        doubts[SCANS_DIFFER] = f"the masks of {named} cannot be found again: {both.refusal}"
    if tumour in both.disturbed:
        doubts[SCAN_DISTURBED] = disturbed_in_words(tumour, both.signal_cv[tumour])
    if tumour in both.shrinkage_cv:
        doubts[SHRINKAGE_UNSURE] = "; ".join(_of_shrinkage(both, donors))
    return doubts


def _of_shrinkage(both: refinding.FollowUpMasks, donors: Sequence[PlacedVisit]) -> Iterator[str]:
    """Yield why the tumour may be smaller than it was found."""
    tumour = other_contrast.TUMOUR
    drawn_mm3, drawn_at = max((_volume_mm3(one.masks.primary[Compartment.TUMOUR]), one.session_id) for one in donors)
    found_mm3, contrast = _volume_mm3(both.probabilities[tumour]), both.left_contrast.get(tumour)
    is_for_another_reason = tumour in both.smaller_elsewhere or tumour in both.scar_cv
    if not is_for_another_reason or shrinkage_cv(found_mm3, drawn_mm3, contrast) is not None:
        yield shrinkage_in_words(tumour, found_mm3, drawn_mm3, drawn_at, contrast)
    if tumour in both.smaller_elsewhere:
        yield both.smaller_elsewhere[tumour]
    if tumour in both.scar_cv:
        yield scar_in_words(tumour, both.scar_cv[tumour])


def _volume_mm3(mask: Volume) -> float:
    return float(mask.array.sum(dtype=np.float64)) * mask.voxel_mm3


def _ways(visit: PlacedVisit, used: Sequence[PlacedVisit], *, may_grow: bool) -> Iterator[refinding.FollowUpMasks]:
    """Find the masks of each of the donors again."""
    for donor in used:
        yield refinding.follow_up_masks(
            donor.donor,
            visit.read.image,
            compose(visit.place.to_reference, donor.place.from_reference),
            may_grow=may_grow,
            same_contrast=visit.read.contrast == donor.read.contrast,
            is_sure="B" not in {visit.grade, donor.grade},
        )


def _why_missing(given: MaskedVisit, compartment: Compartment, refused: str | None) -> str:
    """Say why a compartment of the donor has no mask here; a refusal speaks for all that could have grown."""
    if _is_empty(given, compartment):
        return NOT_LOOKED
    return refused if refused is not None and compartment in refinding.GROWING else NOT_COVERED


def _is_empty(given: MaskedVisit, compartment: Compartment) -> bool:
    return not given.primary[compartment].array.any()
