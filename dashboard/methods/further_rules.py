"""What is decided beside the response criteria, in words made from the very numbers that the program uses."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.words.labels import MASK_ORIGINS, NARROW, capital, limit, typeset
from pipeline.acquisition import protocol, scanner_drift
from pipeline.align import certificate
from pipeline.context import growth_rate, resection
from pipeline.context.surveillance import NO_END, Schedule, Surveillance
from pipeline.judge import parallel_readings
from pipeline.measure import measurement_error
from pipeline.refind import shrinkage

DAYS_PER_MONTH = 365.25 / 12
ADDED = "a proposal of this project"
MEASURED = "midway between good and broken pairs, measured by this project"
SCARRED = "implants and known lesions in real cords, measured by this project"
TURNED = "measured by this project on real cords with their signal turned over"

Said = tuple[str, str, str]
"""What a rule is about, the rule in words, and where it comes from."""


def errors() -> list[Said]:
    """Say how the error of one volume is made up."""
    by_hand, found_again = measurement_error.BOUNDARY_ERROR_MM, measurement_error.FOUND_AGAIN_ERROR_MM
    origins = ", ".join(f"{MASK_ORIGINS[str(origin)]} {_mm(size)}" for origin, size in by_hand.items())
    again = ", ".join(f"{name} {_mm(size)}" for name, size in found_again.items())
    less_sure = ", ".join(f"{name} {_mm(size)}" for name, size in measurement_error.LESS_SURE_ERROR_MM.items())
    sampled = ", ".join(f"{plane} {limit(100 * cv)}" for plane, cv in measurement_error.SLICE_SAMPLING_CV.items())
    return [
        ("Outline", f"A standard deviation of where the edge is drawn: {origins}.", f"vestibular schwannoma; {ADDED}"),
        (
            "Found again",
            f"Masks found again on the visit's own scan: {again}.",
            "benchmark of this project",
        ),
        (
            "Found again less surely",
            (
                f"Mask from slices above {_mm(measurement_error.THICK_MM)} or cut off by its scan, scans less alike, "
                f"or alignment B: {less_sure}."
            ),
            "trial of this project, rounded up",
        ),
        (
            "Unexplained signal",
            "Masks found again: what signal that the masked scan does not explain, as after movement, does is added.",
            "measured on each scan",
        ),
        *_hidden_shrinkage(),
        ("No sharp edge", f"Astrocytoma and its kin: {_mm(measurement_error.INFILTRATIVE_EXTRA_MM)} more.", ADDED),
        ("Slices", f"CV of a tumour one slice wide, less with more slices: {sampled}.", "simulation of this project"),
        ("Interval", f"Volume times and over exp({measurement_error.Z_95:g} CV).", "normal errors of the logarithm"),
        (
            "Repeat reads",
            "Two masks of one visit, or two ways to find one, replace all this where their spread is larger.",
            ADDED,
        ),
    ]


def _hidden_shrinkage() -> Iterator[Said]:
    """Say what is stated for a tumour found again that may be smaller than it looks, and when it gets no size."""
    smaller, as_large = _share(shrinkage.WORTH_SAYING), _share(shrinkage.NOT_LARGER)
    by_size = (
        f"Tumour found again below {smaller} of what was drawn: CV at least {shrinkage.SHRINKAGE_SHARE:g} of the "
        f"change's natural logarithm; at least {shrinkage.HIDDEN_CV:g} where, found smaller at all, the place that it "
        f"left differs from it by less than {_share(shrinkage.HIDING)} of what cord would."
    )
    by_treatment = (
        f"A scar may look like tumour. Found at {smaller} to {as_large} of what was drawn: CV at least "
        f"{shrinkage.HALF_HIDDEN_CV:g}, or {shrinkage.THIRD_HIDDEN_CV:g} where its signal shows no half of it to be "
        f"scar. Below {smaller}, where the place that it left cannot be read: CV at least {shrinkage.HIDDEN_CV:g}."
    )
    untold = (
        f"Found at {_share(shrinkage.NOT_SMALLER)} or more with unexplained fluid beside it, above "
        f"{_share(shrinkage.RETURNED)} of the step from cord to fluid; or at {smaller} to {as_large} with signal that "
        f"falls outwards by more than {_share(shrinkage.FADING)} of its contrast, and by more than "
        f"{shrinkage.FADING_SURE:g} standard errors."
    )
    yield "Found smaller", by_size, SCARRED
    yield "Found again after a treatment", by_treatment, SCARRED
    yield "Found again, no size told", untold, SCARRED


def certificate_words() -> list[Said]:
    """Say what an alignment must reach for A, and where it is not believed."""
    between, across = certificate.BETWEEN_VISITS, certificate.ACROSS_CONTRASTS
    low, high = certificate.JACOBIAN_RANGE
    of_likeness, of_any = certificate.MOST_DOUBTS_OF_LIKENESS, certificate.MOST_DOUBTS
    there_and_back = f"A up to {_mm(certificate.INCONSISTENCY_A_MM)}, C above {_mm(certificate.INCONSISTENCY_C_MM)}"
    limits = (
        (
            "Likeness near the lesion",
            f"A from {between.correlation_a:.2f}, C below {between.correlation_c:.2f}",
            MEASURED,
        ),
        ("Of different contrast", f"B at best, C below {across.correlation_c:.2f}", TURNED),
        (
            "Lead over the mirror image",
            f"A from {certificate.MIRROR_A:.2f}, C below {typeset(f'{certificate.MIRROR_C:.2f}')}",
            MEASURED,
        ),
        ("Lead over the next place along the spine", f"A from {certificate.MARGIN_A:.2f}", ADDED),
        ("There and back", there_and_back, ADDED),
        ("By way of the visit before", f"A up to {_mm(certificate.CLOSURE_A_MM)}", ADDED),
        ("Local stretch", f"C outside {low:g} to {high:g}", ADDED),
        ("Lesion covered", f"A from {_share(certificate.COVERAGE_A)}, C below {_share(certificate.COVERAGE_C)}", ADDED),
        (
            "Doubts together",
            f"C with more than {of_likeness} about the likeness, or more than {of_any} of any kind",
            ADDED,
        ),
    )
    return [(name, f"{words}.", source) for name, words, source in limits]


def drift() -> list[Said]:
    """Say what counts as another scanner or protocol, and when repeatability is told."""
    scanner = (
        f"Another field strength (within {_share(protocol.FIELD_TOLERANCE)} of what it is sold as), device, maker or "
        "model. The same only where the device is, or maker, model and field strength are recorded and equal."
    )
    sizes = (
        ("distance between slices or slice thickness", protocol.SLICE_TOLERANCE),
        ("pixel size", protocol.PIXEL_TOLERANCE),
        ("echo time", protocol.ECHO_TOLERANCE),
        ("repetition time", protocol.REPETITION_TOLERANCE),
        ("flip angle", protocol.FLIP_TOLERANCE),
    )
    beyond = ", ".join(f"{name} by more than {_share(limit_)}" for name, limit_ in sizes)
    repeats = (
        "Median of |ln(later over earlier volume)| over its stated standard error, from "
        f"{scanner_drift.FEWEST_PAIRS} pairs of consecutive evaluable visits of one period on."
    )
    return [
        ("Another scanner", scanner, ADDED),
        ("Another protocol", f"Another sequence or plane; {beyond}.", ADDED),
        ("Not recorded", "Never the same: such a comparison cannot tell.", ADDED),
        ("Repeatability", repeats, "interval by order statistics, Conover 1999"),
    ]


def beside() -> list[Said]:
    """Say how a cyst is counted, and how growth rates and extents of resection are computed."""
    rate = (
        f"Slope of ln volume on time between treatments, scans at least {growth_rate.MIN_INTERVAL_DAYS} days apart; "
        "doubling time is ln 2 over it; a rate says nothing of later scans."
    )
    extent = (
        f"Volume on the last scan of the {resection.OLDEST_SCAN_DAYS} days before surgery against the baseline "
        f"after it; a residual below {resection.CERTAIN_RESIDUAL_MM3 / 1000:g}{NARROW}mL contradicts no surgeon."
    )
    cyst = (
        "Solid tumour decides. Beside it the same rules judge its volume with the cyst's added, where both were "
        f"measured; the errors of the two correlate by {parallel_readings.SHARED_ERROR:g}, as of one outline around "
        "both. Polar cysts and syrinx are never added, and a cyst that was not measured is not 0."
    )
    return [
        ("With the cyst counted", cyst, ADDED),
        ("Growth rate", rate, "Pallud 2013; Lonser 2014, 10.3171/2014.1.JNS131431"),
        ("Extent of resection", extent, ADDED),
        ("Cyst, syrinx, oedema", "Told where they change beyond measurement error; never progression.", ADDED),
    ]


def next_scans(rules: Surveillance) -> list[Said]:
    """Say when each schedule has the next scan: the first that fits a patient, and what makes it sooner."""
    closer = [(f"Sooner: {schedule.title}", _schedule(schedule), schedule.source) for schedule in rules.closer]
    return [*((schedule.title, _schedule(schedule), schedule.source) for schedule in rules.schedules), *closer]


def _schedule(schedule: Schedule) -> str:
    parts = [f"first about {_months(schedule.first_scan_days)} after treatment"]
    for phase in schedule.phases:
        end = "" if phase.until_days == NO_END else f" until {_months(phase.until_days)} after it"
        parts.append(f"every {_months(phase.interval_days)}{end}")
    return f"{capital(', then '.join(parts))}."


def _months(days: int) -> str:
    months = round(days / DAYS_PER_MONTH)
    return f"{days} days" if months < 2 else f"{months} months"


def _mm(size: float) -> str:
    return f"{size:g}{NARROW}mm"


def _share(ratio: float) -> str:
    return f"{round(100 * ratio)}{NARROW}%"
