"""New signal at visits that nobody drew on, where the masked visit before had no tumour: looked for, flagged, drafted.

A flag is a finding for a person. It is no volume, and finding nothing is no proof that nothing is there: without a
draft the visit stays without a tumour volume until somebody draws a mask, an empty one where nothing is seen. Where new
signal is sure enough (:mod:`pipeline.draft.recurrence`), the visit gets a draft outline: an automatic mask like others,
provisional until a person accepts it, draws a better one, or excludes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.cord.cord_finding import find_cord
from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.transform import compose, move_points, resample
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.draft.recurrence import METHOD, RecurrenceDraft, draft_recurrence
from pipeline.files import fingerprints, finished_steps
from pipeline.judge.explanation import two_figures
from pipeline.measure import measurement_error
from pipeline.refind import new_signal, signal_search
from pipeline.run.steps import apply_acts, mask_records
from pipeline.run.steps.visit_work import MaskedVisit, PlacedVisit, ReadVisit
from pipeline.study import study_folder

FOUND, NOT_FOUND, NOT_SEARCHED = apply_acts.NEW_SIGNAL, "no_new_signal", "signal_not_searched"
CODES = (FOUND, NOT_FOUND, NOT_SEARCHED)
BRIGHT_ONLY = "only signal brighter than cord was looked for: a tumour as dark as cord, or darker, would not be seen"
MOST_SEARCHED = 0.8
"""Where less than this share of the cord at the bed could be searched, what was found nowhere says so."""

MAY_BE_MOVEMENT = "; much else on this scan is not explained either, as after movement, so it may be no tissue at all"
DRAFTED = "; a draft outline of about {} mL is measured until a person accepts it, draws a better one, or excludes it"
OVERGROWN = (
    "new signal was flagged at this visit, and the mask found from the earlier one may have grown over it; draw one"
)


def with_new_signal(
    visit: PlacedVisit, donor: PlacedVisit, earlier: Sequence[PlacedVisit], out_dir: Path
) -> MaskedVisit:
    """Look for new signal on a visit whose masks come from a visit without tumour.

    Parameters
    ----------
    visit
        With its automatic masks.
    donor
        The visit that they come from, no surgery between the two; both are aligned better than grade C.
    earlier
        The donor and the visits before this one, with the masks that people drew; an earlier tumour marks the bed.

    Returns
    -------
    MaskedVisit
        As it was where the donor had a tumour, or where nothing marks the bed or the scan does not show it; else with
        a finding, the places flagged, and a draft outline of the tumour or the reason why it has no volume.
    """
    if donor.masks.has_tumour:
        return visit.masks
    read, source = visit.read, donor.read
    key = fingerprints.of_values(
        "signal", read.anchor_sha256, source.anchor_sha256, read.contrast, source.contrast,
        [(row.path, row.sha256) for other in earlier for row in other.masks.measured_rows],
        [other.place.input_sha256 for other in sorted((visit, *earlier), key=lambda other: other.session_id)],
        fingerprints.of_code("pipeline.refind.signal_search"), fingerprints.of_code("pipeline.draft.recurrence"),
        [fingerprints.of_file(Path(code)) for code in (__file__, mask_records.__file__)], fingerprints.software(),
    )  # fmt: skip
    path = study_folder.derivative_path(**read.subject, suffix="finding", extension=".json", desc="newsignal")
    sources = [scan.anchor.relative for scan in (read, source)]
    step = finished_steps.cached(path.as_posix(), out_dir, key, sources, partial(_look, visit, donor, earlier, out_dir))
    findings: tuple[records.Finding, ...] = step.of_kind(records.Finding)
    if not findings:
        return visit.masks
    signals: tuple[records.NewSignal, ...] = step.of_kind(records.NewSignal)
    masks = replace(visit.masks, findings=(*visit.masks.findings, *findings), signals=signals)
    drafts: tuple[records.Segmentation, ...] = step.of_kind(records.Segmentation)
    if drafts:
        return _with_draft(_without_solid(masks), drafts, out_dir)
    seen = briefly(signals, _when(source)) if signals else step.words[findings[0].code]
    missing = {**masks.missing, Compartment.TUMOUR: f"{seen}; {findings[0].remedy}"}
    masks = replace(masks, missing=missing)
    return _without_solid(masks) if signals else masks


def _with_draft(masks: MaskedVisit, drafts: Sequence[records.Segmentation], out_dir: Path) -> MaskedVisit:
    """Add a draft outline to a visit's automatic masks."""
    source = str(masks.source)
    drawn = mask_records.read_automatic(drafts, out_dir)
    return replace(
        masks,
        masks={**masks.masks, source: {**masks.masks[source], **drawn}},
        rows=(*masks.rows, *drafts),
        missing={name: why for name, why in masks.missing.items() if name not in drawn},
    )


def _without_solid(masks: MaskedVisit) -> MaskedVisit:
    """Leave out oedema and blood that were found again beside new signal: they grow over it."""
    fluid_and_cord = {c: mask for c, mask in masks.primary.items() if c in signal_search.FLUID or c == Compartment.CORD}
    overgrown = dict.fromkeys((c for c in masks.primary if c not in fluid_and_cord), OVERGROWN)
    return replace(
        masks,
        masks={**masks.masks, str(masks.source): fluid_and_cord},
        rows=tuple(row for row in masks.rows if row.compartment in fluid_and_cord),
        missing={**overgrown, **masks.missing},
    )


def _when(visit: ReadVisit) -> str:
    return f"on {visit.acquired_on}" if visit.acquired_on is not None else f"at {visit.session_id}"


def _bed(donor: PlacedVisit, earlier: Iterable[PlacedVisit]) -> Volume | None:
    """Return where earlier visits had tumour, on the donor's grid; None when nobody drew any."""
    beds = [
        resample(
            visit.masks.primary[Compartment.TUMOUR],
            donor.read.image,
            compose(donor.place.to_reference, visit.place.from_reference),
            order=1,
        )
        for visit in earlier
        if visit.masks.has_tumour and visit.is_comparable
    ]
    return beds[0].with_array(np.max([bed.array for bed in beds], axis=0)) if beds else None


def _look(
    visit: PlacedVisit, donor: PlacedVisit, earlier: Iterable[PlacedVisit], out_dir: Path
) -> finished_steps.StepResult:
    read, when = visit.read, _when(donor.read)
    to_donor = compose(visit.place.to_reference, donor.place.from_reference)
    same = read.contrast == donor.read.contrast
    searched = signal_search.search_for_new_signal(
        donor.donor, _bed(donor, earlier), read.image, to_donor, same_contrast=same
    )
    if searched is None:
        return finished_steps.StepResult()
    draft = None
    if same and searched.seen is not None:
        draft = draft_recurrence(read.image, find_cord(read.image), searched.seen)
    places = searched.places or (() if draft is None else (_place_of(draft),))
    if not places:
        code, seen = nothing_in_words(searched, when)
        none = finding(code, f"{read.named}: {seen}", **read.subject)
        return finished_steps.StepResult(records=(none,), words={code: seen})
    drafted = "" if draft is None else DRAFTED.format(two_figures(draft.volume_mm3 / 1000))
    flags = tuple(finding(FOUND, f"{read.named}: {in_words(place, when)}{drafted}", **read.subject) for place in places)
    mask_rows = () if draft is None else (_kept(visit, draft, when, out_dir),)
    return finished_steps.StepResult(
        tuple(row.path for row in mask_rows), (*flags, *_signals(visit, donor, places), *mask_rows)
    )


def nothing_in_words(searched: new_signal.SearchedSignal, when: str) -> tuple[str, str]:
    """Return code and words of a search that flagged nothing: what was looked for, how far, and what was not.

    Parameters
    ----------
    searched
        Without places.
    when
        The visit that was drawn without tumour: "on 2020-02-17", or "at ses-01".
    """
    if searched.seen is None:
        return NOT_SEARCHED, (
            f"no tumour was drawn {when}, and nobody looked for new signal on this scan: none of the cord at the bed "
            f"is shown by a voxel of its own, away from the fluid that is known there"
        )
    least = f"{new_signal.SMALLEST_MM3 / 1000:g} mL"
    share = searched.seen.searched_share
    part = "" if share >= MOST_SEARCHED else f" (only {share:.0%} of the cord there could be searched on this scan)"
    return NOT_FOUND, (
        f"no tumour was drawn {when}, and no new signal of {least} or more was found in "
        f"its bed or within {new_signal.BEYOND_MM:.0f} mm along the cord{part}; {BRIGHT_ONLY}"
    )


def _place_of(draft: RecurrenceDraft) -> new_signal.SignalPlace:
    return new_signal.SignalPlace(draft.volume_mm3, draft.centre_mm, draft.brightness, draft.elsewhere)


def _kept(visit: PlacedVisit, draft: RecurrenceDraft, when: str, out_dir: Path) -> records.Segmentation:
    """Write a draft outline; its error is how far the three ways of drawing it are apart."""
    making = mask_records.MaskMaking(
        mask_records.AUTOMATIC_SOURCE,
        METHOD,
        f"drafted from new signal where no tumour was drawn {when}; nobody has said that it is tumour",
        measurement_error.mean_cv(draft.ways_mm3),
    )
    mask = draft.mask.with_array(draft.mask.array.astype(np.float32))
    return mask_records.keep_automatic(visit.read, Compartment.TUMOUR, mask, making, out_dir)


def _signals(
    visit: PlacedVisit, donor: PlacedVisit, places: Sequence[new_signal.SignalPlace]
) -> Iterable[records.NewSignal]:
    """Return the flagged places as they are kept, each in its own scan's world and in the reference space."""
    read = visit.read
    centres_mm = np.array([place.centre_mm for place in places])
    on_reference = move_points(visit.place.to_reference, centres_mm).tolist()
    return tuple(
        records.NewSignal(
            read.visit.patient_id, read.session_id, n, donor.session_id, place.volume_mm3, *centre, *there
        )
        for n, (place, centre, there) in enumerate(zip(places, centres_mm.tolist(), on_reference, strict=True), start=1)
    )


def in_words(one: new_signal.SignalPlace, when: str) -> str:
    """Say how large new signal is and where it lies, in the letters that the viewer's crosshair has.

    >>> in_words(new_signal.SignalPlace(734.0, (-2.1, -37.4, 170.2), 0.5, 0.1), "on 2020-02-17")[:54]
    'new signal of about 0.73 mL at L 2, P 37, S 170 mm of '
    """
    letters = zip(("RL", "AP", "SI"), one.centre_mm, strict=True)
    place = ", ".join(f"{pair[value < 0]} {abs(value):.0f}" for pair, value in letters)
    return (
        f"new signal of about {two_figures(one.volume_mm3 / 1000)} mL at {place} mm of the scan's own coordinates, "
        f"where no tumour was drawn {when}{'' if one.stands_out else MAY_BE_MOVEMENT}"
    )


def briefly(signals: Sequence[records.NewSignal], when: str) -> str:
    """Say how large all new signal of a visit is, so that it can be read aloud: where it lies, a picture shows.

    >>> both = [records.NewSignal("sub-01", "ses-02", n, "ses-01", 734.0 / n, *[0.0] * 6) for n in (1, 2)]
    >>> briefly(both, "on 2020-02-17")
    'new signal of about 0.73 and 0.37 mL where no tumour was drawn on 2020-02-17'
    """
    sizes = " and ".join(two_figures(one.approximate_mm3 / 1000) for one in signals)
    return f"new signal of about {sizes} mL where no tumour was drawn {when}"
