"""New signal where no tumour was drawn, as the viewer marks it: flagged places that nobody has looked at yet."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.data import queries
from dashboard.shell import page
from dashboard.viewer.spots import Spot, spot_of
from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from pipeline.judge.explanation import two_figures

PLACE_MM = ("reference_right_mm", "reference_anterior_mm", "reference_superior_mm")


def new_signal(patient_id: str, sessions: Sequence[str]) -> tuple[Spot, ...]:
    """Return the flagged places of some visits, as :func:`flagged` does, and say in a line what they are."""
    spots = flagged(patient_id, sessions)
    if spots:
        places = "; ".join(spot.words for spot in spots)
        meaning = "Dashed rings mark it; it is a flag, not a measurement."
        page.remark(f"New signal where no tumour was drawn: {places}. {meaning}")
    return spots


def flagged(patient_id: str, sessions: Sequence[str]) -> tuple[Spot, ...]:
    """Return the flagged places of some visits, those of the latest visit first, the largest of each first."""
    signals = queries.query("patient_new_signal", patient_id=patient_id)
    signals = signals[signals["session_id"].isin(sessions)].sort_values(
        ["acquired_on", "number"], ascending=[False, True]
    )
    file = queries.aligned_scan(patient_id, sessions[0]) if len(signals) else None
    if file is None:
        return ()
    reference = queries.image(file)
    return tuple(
        spot_of(
            reference,
            [row[name] for name in PLACE_MM],
            row["approximate_mm3"],
            f"{labels.day(row['acquired_on'])}, about {two_figures(row['approximate_mm3'] / 1000)} mL",
        )
        for row in signals.pipe(as_rows)
    )
