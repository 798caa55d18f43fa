"""What a packet says: words, tables and figures of one patient, taken from the store as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from dashboard.charts import lanes
from dashboard.charts.timeline import CourseFigure
from dashboard.data import queries
from dashboard.packet import figures
from dashboard.patient import description_section, reading_section
from dashboard.patient.context_section import lines, with_overdue
from dashboard.patient.course import levels, windows
from dashboard.patient.headline import effects
from dashboard.patient.judged_volumes import volumes_of
from dashboard.patient.lesion_section import printed
from dashboard.patient.lesion_sets import sets_of
from dashboard.patient.numbers import NOW, disturbed, made_otherwise, shrunk_unsurely, to_show
from dashboard.patient.scan_panes import pane_of_visit
from dashboard.patient.scan_section import aligned
from dashboard.patient.signal_places import flagged
from dashboard.shell import page
from dashboard.shell.updating import newer_words
from dashboard.words import acts_beside, caveats, labels, sentences
from dashboard.words.markup import short
from dashboard.words.table_rows import as_rows
from dashboard.words.tables import TUMOUR, VOLUMES, LesionSet
from pipeline.errors import InputError

LARGEST = "largest sagittal and axial section"
NUMBERS_HEAD = ("mL", "baseline", "nadir", "previous", "now (95\u202f% CI)", "since baseline", "since nadir")
LESIONS_HEAD = ("lesion", "verdict", "mL (95\u202f% CI)", "change", "since", "why")
CRITERIA_HEAD = ("criteria, version", "verdict", "why")
SHOWN_ACTS = 12
"""How many acts of people are named, the latest of them."""
SOURCES_HEAD = ("visit", "mask of the tumour", "mask file and the start of its sha256")


@dataclass(frozen=True)
class Packet:
    """One page about one patient, ready to be set.

    Attributes
    ----------
    timeline, slices
        SVG drawings; ``slices_note`` says what slices are shown, or why there are none.
    glance
        When the next scan is due and how function stands, beside the state.
    acts
        The last verdict where the latest scan has none, and what people did that the verdict rests on.
    beside
        What is told beside the verdict: what it is about, and what became of it.
    description
        What the scans of the last judged visit say of each lesion, in the order of a dictated report.
    numbers, lesions, criteria, sources
        Rows of the tables, as long as their heads.
    sign_off
        Who decided what about this patient's masks and visits, or that nobody has.
    link
        Address that shows the same view again; empty when there is none.
    printed_on
        The day on which it was set.
    """

    patient_id: str
    facts: str
    symbol: str
    word: str
    ink: str
    is_provisional: bool
    sentence: str
    glance: tuple[tuple[str, str], ...]
    acts: tuple[str, ...]
    caveats: str
    timeline: str
    slices: str
    slices_note: str
    numbers: tuple[tuple[str, ...], ...]
    lesions: tuple[tuple[str, ...], ...]
    beside: tuple[tuple[str, ...], ...]
    description: tuple[tuple[str, str], ...]
    criteria: tuple[tuple[str, ...], ...]
    sources: tuple[tuple[str, ...], ...]
    sign_off: tuple[str, ...]
    provenance: str
    notice: str
    link: str
    printed_on: str


def gather(patient_id: str, study: page.ShownStudy, link: str = "", printed_on: date | None = None) -> Packet:
    """Collect everything that the page of a patient says.

    Parameters
    ----------
    link
        Address that shows the same view again.
    printed_on
        The day that stands on the paper, and against which a scan is overdue; today by itself.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    state = queries.query("patient_header", patient_id=patient_id, criteria_id=study.criteria_id).iloc[0]
    everything = queries.query("patient_assessments", patient_id=patient_id)
    now = everything[everything["session_id"] == state["session_id"]]
    judged_now = now[now["criteria_id"] == study.criteria_id]
    look = labels.standing(state)
    main, further = sentences.verdict(state)
    day = printed_on or page.today()
    slices, note = _slices(patient_id, judged_now)
    trajectory = queries.query("patient_trajectory", patient_id=patient_id, criteria_id=study.criteria_id)
    named = _sessions(judged_now)
    return Packet(
        patient_id=short(patient_id),
        facts=short(sentences.facts(state, queries.query("patient_treatments", patient_id=patient_id))),
        symbol=look.symbol,
        word=look.word,
        ink=look.ink,
        is_provisional=bool(state["is_provisional"]),
        sentence=short(main),
        glance=(("next scan", _next_scan(patient_id, day)), ("function", _function(patient_id))),
        acts=tuple(filter(None, (newer_words(patient_id), *_acts(state)))),
        caveats=" ".join(filter(None, (short(further), caveats.under_verdict(state, study.criteria_title, now)))),
        timeline=_timeline(patient_id, everything[everything["criteria_id"] == study.criteria_id], study),
        slices=slices,
        slices_note=note,
        numbers=_numbers(trajectory, str(state["session_id"]), patient_id, study.criteria_id),
        lesions=tuple(tuple(map(short, row)) for row in printed(patient_id, study.criteria_id)),
        beside=(
            *_open(state, day),
            *_beside(patient_id, str(state["session_id"]), trajectory, study.criteria_id),
        ),
        description=tuple(
            (word, short(labels.typeset(text)))
            for word, text in description_section.printed(patient_id, state["session_id"])
        ),
        criteria=tuple(_verdict(row) for row in now.pipe(as_rows)),
        sources=_sources(patient_id, named),
        sign_off=_sign_off(patient_id, state),
        provenance=_provenance(study),
        notice=" · ".join([*([labels.SYNTHETIC] if study.is_synthetic else []), labels.NOT_FOR_TREATMENT]),
        link=_reachable(link),
        printed_on=day.isoformat(),
    )


def _next_scan(patient_id: str, day: date) -> str:
    """Say when a schedule would have the next scan, or that none would."""
    due = queries.query("next_scans", as_of=day)
    for row in due[due["patient_id"] == patient_id].pipe(as_rows):
        if labels.is_known(row["due_on"]):
            overdue = f", overdue on {day.isoformat()}" if row["is_overdue"] else ""
            return f"due {labels.day(row['due_on'])}{overdue}; a published schedule, not advice"
    return "no schedule says when"


def _function(patient_id: str) -> str:
    """Say the latest grade of each scale with its day, and the first where that is another."""
    scores = queries.query("patient_function", patient_id=patient_id)
    words = []
    for scale, of_scale in scores.groupby("scale_id", sort=True):
        first, last = of_scale.iloc[0], of_scale.iloc[-1]
        now = f"{labels.scale_name(str(scale))} {_grade(last)} on {labels.day(last['assessed_on'])}"
        before = f" ({_grade(first)} on {labels.day(first['assessed_on'])})" if first["grade"] != last["grade"] else ""
        words.append(f"{now}{before}")
    return short("; ".join(words)) or "nobody wrote it down"


def _grade(score: pd.Series) -> str:
    names = labels.SCALES.get(str(score["scale_id"]).lower(), ("", ()))[1]
    place = int(score["grade"]) - 1
    is_named = place + 1 == score["grade"] and 0 <= place < len(names)
    return names[place] if is_named else f"{score['grade']:g}"


def _reachable(link: str) -> str:
    """Leave out the host of an address that answers on the machine of the reader alone: on paper it leads nowhere."""
    parts = urlsplit(link)
    if parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        return link
    return f"{parts.path}?{parts.query} on the pages of this study"


def _acts(state: pd.Series) -> tuple[str, ...]:
    """Return what was last judged, where the latest scan was not, and what people did that the verdict rests on."""
    earlier = acts_beside.last_judged(state)
    act_words = [f"{acts_beside.FLAG} {line.text}." for line in acts_beside.lines(effects(state))]
    return tuple(short(words) for words in ([labels.capital(f"{earlier}.")] if earlier else []) + act_words)


def _timeline(patient_id: str, judged: pd.DataFrame, study: page.ShownStudy) -> str:
    volumes = queries.query("patient_measurements", patient_id=patient_id).dropna(subset=["acquired_on"])
    if volumes.empty and judged.empty:
        return ""
    treatments = lanes.placed(queries.query("patient_treatments", patient_id=patient_id))
    solid, all_tumour = volumes_of(patient_id, study.criteria_id)
    course = CourseFigure(
        solid,
        judged,
        treatments,
        queries.query("patient_function", patient_id=patient_id),
        levels(patient_id, study),
        windows(treatments, study),
        all_tumour,
    )
    return figures.timeline(course)


def _sessions(judged_now: pd.DataFrame) -> dict[str, str]:
    """Return the visits that the verdict rests on, in time order, with what each of them is."""
    if judged_now.empty:
        return {}
    row = judged_now.iloc[0]
    roles: dict[str, list[str]] = {}
    for role, column in (("baseline", "baseline_session_id"), ("nadir", "nadir_session_id"), ("now", "session_id")):
        if labels.is_known(row[column]):
            roles.setdefault(str(row[column]), []).append(role)
    return {session: " = ".join(words) for session, words in roles.items()}


def _slices(patient_id: str, judged_now: pd.DataFrame) -> tuple[str, str]:
    scans = aligned(patient_id)
    judged = {session: role for session, role in _sessions(judged_now).items() if session in scans}
    named = judged or dict.fromkeys(list(scans)[-1:], "")
    named = named if len(named) > 1 else dict.fromkeys(list(scans)[:1], "first scan") | named
    if not named:
        return "", "No aligned scan to show."
    try:
        panes = [
            pane_of_visit(scans[session], f"{labels.day(scans[session]['acquired_on'])} {role}".strip())
            for session, role in named.items()
        ]
    except InputError as error:
        return "", short(str(error))
    spots = figures.in_view(panes, flagged(patient_id, list(named)))
    which = f"section where new signal was flagged (dashed ring; {spots[0].words})" if spots else LARGEST
    return figures.slices(panes, spots), f"aligned to one reference; the same {which} in all"


def _numbers(
    trajectory: pd.DataFrame, session_id: str, patient_id: str, criteria_id: str
) -> tuple[tuple[str, ...], ...]:
    """Return a row per compartment at the last scan; where it was not compared, dated rows of the last that was.

    Solid tumour has a row for each named set of lesions, as on the page.
    """
    order = {name: place for place, name in enumerate(labels.COMPARTMENTS)}
    table_rows = []
    for word, latest in to_show(trajectory, session_id):
        day = "" if word == NOW else f", {labels.day(latest['acquired_on'].iloc[0])}"
        sets = sets_of(patient_id, criteria_id, latest) or [LesionSet("")]
        seen = latest[(latest[list(VOLUMES)] > 0).any(axis=1) | (latest["compartment"] == TUMOUR)]
        for row in seen.sort_values("compartment", key=lambda names: names.map(order)).pipe(as_rows):
            for one in sets if row["compartment"] == TUMOUR else [LesionSet("")]:
                name = ", ".join(filter(None, (labels.compartment(row["compartment"]).word, one.name)))
                table_rows.append((f"{name}{day}", *_number_cells({**row, **one.numbers})))
    return tuple(table_rows)


def _number_cells(row: dict[Any, Any]) -> tuple[str, ...]:
    """Return the cells of a row of numbers; a volume that is not of the day above it says of which it is."""
    digits = labels.figures_beside(row["volume_mm3"], row["baseline_volume_mm3"], row["nadir_volume_mm3"])
    volumes = [_plain_ml(row[name], digits) for name in VOLUMES]
    days = [row.get(f"{role}_day") for role in ("baseline", "nadir", "previous")]
    before = [f"{volume} of {day}" if day else volume for volume, day in zip(volumes, days, strict=False)]
    interval = labels.ml_interval(row["volume_low_mm3"], row["volume_high_mm3"])
    now = f"{volumes[3]} ({interval})" if interval else volumes[3]
    return (*before, now, *(_change(row, against) for against in ("baseline", "nadir")))


def _open(state: pd.Series, day: date) -> tuple[tuple[str, ...], ...]:
    """Return the open questions as the board has them on a day, a line each."""
    questions = sentences.open_questions(with_overdue(state, day)).split("; ")
    heads = ("open questions", *("" for _ in questions[1:]))
    return tuple((head, short(words)) for head, words in zip(heads, questions, strict=True))


def _beside(
    patient_id: str, session_id: str, trajectory: pd.DataFrame, criteria_id: str
) -> tuple[tuple[str, ...], ...]:
    """Return what the page tells beside the verdict, and where a scan shown was made otherwise than those before."""
    undrawn = lanes.unplaced_words(queries.query("patient_treatments", patient_id=patient_id))
    word_lines = [("not drawn", ", ".join(undrawn)), *reading_section.lines(patient_id, criteria_id, session_id)]
    word_lines += [(line.word, line.text) for line in lines(patient_id, session_id, criteria_id)]
    for _, visit_rows in to_show(trajectory, session_id):
        word_lines += [("scanner", made_otherwise(patient_id, visit_rows.iloc[0]))]
        session = visit_rows["session_id"].iloc[0]
        word_lines += [("scan", disturbed(patient_id, session)), ("shrinkage", shrunk_unsurely(patient_id, session))]
    return tuple((word, short(words)) for word, words in word_lines if words)


def _plain_ml(volume_mm3: Any, figures: int) -> str:
    return labels.ml(volume_mm3, figures).removesuffix(f"{labels.NARROW}mL")


def _change(row: dict[Any, Any], against: str) -> str:
    name = f"change_from_{against}"
    has_reference = labels.is_known(row[f"{against}_session_id"])
    words = sentences.no_change(row[f"{against}_volume_mm3"], row["volume_mm3"], has_reference=has_reference)
    if words:
        return words
    interval = labels.percent_interval(row[f"{name}_low_percent"], row[f"{name}_high_percent"])
    return sentences.table_change(row, against) + (f" ({interval})" if interval else "")


def _verdict(row: dict[Any, Any]) -> tuple[str, ...]:
    look = labels.category_look(row)
    return (
        short(f"{row['criteria_title']}, {row['criteria_version']}"),
        f"{look.symbol} {row['category_shown']}",
        short(sentences.reason_since(row)),
    )


def _sources(patient_id: str, named: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    measured = queries.query("patient_measurements", patient_id=patient_id)
    tumours = measured[(measured["compartment"] == "tumour") & measured["session_id"].isin(list(named))]
    source_rows = []
    for row in tumours.pipe(as_rows):
        sha = f" {str(row['mask_sha256'])[:8]}" if labels.is_known(row["mask_sha256"]) else ""
        path = str(row["mask_path"]) if labels.is_known(row["mask_path"]) else "no mask file"
        visit = f"{labels.day(row['acquired_on'])} {row['session_id']}, {named[row['session_id']]}"
        origin = labels.MASK_ORIGINS.get(row["mask_origin"], str(row["missing_reason"]))
        source_rows.append((short(visit), short(origin), short(f"{path}{sha}")))
    return tuple(source_rows)


def _sign_off(patient_id: str, state: pd.Series) -> tuple[str, ...]:
    acts = queries.query("patient_journal", patient_id=patient_id)
    occasion = ["written_at", "who", "act", "session_id", "reason", "lesion_id"]
    groups = acts[acts["status"] == "in_force"].groupby(occasion, dropna=False, sort=False)
    words = groups["compartment"].agg(lambda names: ", ".join(names.dropna())).reset_index()
    lines = [
        short(sentences.act(row | {"compartment": row["compartment"] or None}))
        for row in words.head(SHOWN_ACTS).pipe(as_rows)
    ]
    if len(words) > SHOWN_ACTS:
        lines.append(f"{labels.count(len(words) - SHOWN_ACTS, 'more act')} on the page of this patient.")
    if state["is_provisional"]:
        lines.insert(0, "Provisional: the verdict rests on an automatic mask that nobody has signed.")
    return tuple(lines or ["Nobody has signed or changed anything about this patient here."])


def _provenance(study: page.ShownStudy) -> str:
    info = queries.query("study_info").iloc[0]
    parts: Sequence[str] = (
        study.name,
        f"judged by {study.criteria_name}",
        f"run {info['run_id']} of {labels.day(info['finished_at'])}",
        f"cordtrack {info['cordtrack_version']}",
        f"data sha256 {str(info['content_sha256'])[:12]}",
        "volumes counted in each scan's own grid, never on aligned copies",
    )
    return " · ".join(parts)
