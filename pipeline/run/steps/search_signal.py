"""New signal at visits that nobody drew on, where the masked visit before had no tumour: looked for, and flagged.

A flag is a finding for a person. It is never a volume, and finding nothing is no proof that nothing is there: either
way the visit stays without a tumour volume until somebody draws a mask, an empty one where nothing is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.transform import compose, move_points, resample
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.files import derivatives, fingerprints
from pipeline.judge.explanation import two_figures
from pipeline.refind import new_signal, refinding, signal_search
from pipeline.run.steps.align_visits import AlignedVisit
from pipeline.run.steps.mask_visits import MaskedVisit
from pipeline.run.steps.read_visits import ReadVisit
from pipeline.study import study_folder

FOUND, NOT_FOUND = "new_signal", "no_new_signal"
CODES = (FOUND, NOT_FOUND)
MAY_BE_MOVEMENT = "; much else on this scan is not explained either, as after movement, so it may be no tissue at all"
OVERGROWN = (
    "new signal was flagged at this visit, and the mask found from the earlier one may have grown over it; draw one"
)


def with_new_signal(
    visit: ReadVisit,
    source: ReadVisit,
    made: MaskedVisit,
    drawn: Mapping[str, MaskedVisit],
    aligned: Mapping[str, AlignedVisit],
    out_dir: Path,
) -> MaskedVisit:
    """Look for new signal on a visit whose masks come from a visit without tumour.

    Parameters
    ----------
    visit, source
        The visit and the one whose masks were used, both aligned better than grade C, no surgery between them.
    made
        The visit's automatic masks.
    drawn
        Drawn masks of the source and of the visits before it, by session; an earlier tumour marks the bed.

    Returns
    -------
    MaskedVisit
        As it was where the source had a tumour, or where nothing marks the bed or the scan does not show it; else with
        a finding, the places flagged, and the reason why there is no tumour volume.
    """
    if drawn[source.session_id].has_tumour:
        return made
    bed = _bed(source, drawn, aligned)
    key = fingerprints.of_values(
        "signal", visit.anchor_sha256, source.anchor_sha256, visit.contrast, source.contrast,
        [(row.path, row.sha256) for masked in drawn.values() for row in masked.rows if row.is_primary],
        [
            aligned[name].record and aligned[name].record.input_sha256  # type: ignore[union-attr]  # the `and` guards it
            for name in sorted({visit.session_id, *drawn} & set(aligned))
        ],
        fingerprints.of_code("pipeline.refind.signal_search"), fingerprints.of_file(Path(__file__)),
        fingerprints.software(),
    )  # fmt: skip
    path = study_folder.derivative_path(
        visit.visit.patient_id, visit.session_id, suffix="finding", extension=".json", desc="newsignal"
    )
    step = derivatives.read_step(out_dir / path, out_dir, key)
    if step is None:
        step = derivatives.Step(key, (), _look(visit, source, drawn[source.session_id], bed, aligned))
        derivatives.write_step(out_dir / path, step, _sources(visit, source), fingerprints.software())
    rows: list[records.Finding] = derivatives.of_kind(step.records, records.Finding)
    if not rows:
        return made
    signals = tuple(derivatives.of_kind(step.records, records.NewSignal))
    said = briefly(signals, _when(source)) if signals else rows[0].message.removeprefix(f"{_where(visit)}: ")
    missing = {**made.missing, Compartment.TUMOUR: f"{said}; {rows[0].remedy}"}
    made = replace(made, findings=(*made.findings, *rows), signals=signals, missing=missing)
    return _without_solid(made) if signals else made


def _without_solid(made: MaskedVisit) -> MaskedVisit:
    """Leave out oedema and blood that were found again beside new signal: they grow over it."""
    kept = {c: mask for c, mask in made.primary.items() if c in signal_search.FLUID or c == Compartment.CORD}
    taken = dict.fromkeys((c for c in made.primary if c not in kept), OVERGROWN)
    return replace(
        made,
        masks={**made.masks, str(made.source): kept},
        rows=tuple(row for row in made.rows if row.compartment in kept),
        missing={**taken, **made.missing},
    )


def _where(visit: ReadVisit) -> str:
    return f"{visit.visit.patient_id} {visit.session_id}"


def _when(visit: ReadVisit) -> str:
    return f"on {visit.acquired_on}" if visit.acquired_on is not None else f"at {visit.session_id}"


def _sources(*visits: ReadVisit) -> list[str]:
    return [visit.anchor.relative for visit in visits if visit.anchor is not None]


def _bed(source: ReadVisit, drawn: Mapping[str, MaskedVisit], aligned: Mapping[str, AlignedVisit]) -> Volume | None:
    """Return where earlier visits had tumour, on the source's grid; None when nobody drew any."""
    assert source.image is not None
    to_reference = aligned[source.session_id].to_reference
    beds = [
        resample(
            masked.primary[Compartment.TUMOUR],
            source.image,
            compose(to_reference, aligned[name].from_reference),
            order=1,
        )
        for name, masked in drawn.items()
        if masked.has_tumour and name in aligned and aligned[name].grade != "C"
    ]
    return beds[0].with_array(np.max([bed.array for bed in beds], axis=0)) if beds else None


def _look(
    visit: ReadVisit, source: ReadVisit, given: MaskedVisit, bed: Volume | None, aligned: Mapping[str, AlignedVisit]
) -> tuple[records.Finding | records.NewSignal, ...]:
    assert visit.image is not None
    assert source.image is not None
    masked = refinding.DonorVisit(source.image, {str(c): mask for c, mask in given.primary.items()})
    to_source = compose(aligned[visit.session_id].to_reference, aligned[source.session_id].from_reference)
    same = visit.contrast == source.contrast
    found = signal_search.look_for_new_signal(masked, bed, visit.image, to_source, same_contrast=same)
    if found is None:
        return ()
    whose = {"patient_id": visit.visit.patient_id, "session_id": visit.session_id}
    where = _where(visit)
    if not found:
        least = f"{new_signal.SMALLEST_MM3 / 1000:g} mL"
        message = (
            f"{where}: no tumour was drawn {_when(source)}, and no new signal of {least} or more was found in "
            f"its bed or within {new_signal.BEYOND_MM:.0f} mm along the cord"
        )
        return (finding(NOT_FOUND, message, **whose),)
    flags = tuple(finding(FOUND, f"{where}: {in_words(one, _when(source))}", **whose) for one in found)
    centres_mm = np.array([one.centre_mm for one in found])
    on_reference = move_points(aligned[visit.session_id].to_reference, centres_mm).tolist()
    places = (
        records.NewSignal(visit.visit.patient_id, visit.session_id, n, source.session_id, one.volume_mm3, *own, *there)
        for n, (one, own, there) in enumerate(zip(found, centres_mm.tolist(), on_reference, strict=True), start=1)
    )
    return (*flags, *places)


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


def before(name: str, order: Sequence[str], source: str, sources: Mapping[str, MaskedVisit]) -> dict[str, MaskedVisit]:
    """Return the drawn masks that may be used for a visit: those of its source and of the visits before it."""
    return {s: sources[s] for s in order if s == source or order.index(s) < order.index(name)}
