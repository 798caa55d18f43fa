"""The list of series that a person must decide on, with a picture of each and a rule to paste; private, for it quotes.

``unsure_series.json`` is for programs, ``unsure_series.html`` for people: one file without any outside request. Both
lie in the private folder, whose owner alone reads them: descriptions are free text and pictures may show a face.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.files import atomic
from pipeline.hospital.importing.site_rules import CONTRASTS
from pipeline.hospital.importing.thumbnails import side_by_side
from pipeline.hospital.importing.triage import BURNT_IN, INCOMPLETE, Decision
from pipeline.hospital.private.pseudonyms import read_private, write_private
from pipeline.hospital.read import pixels
from pipeline.hospital.read.series_kind import SURE

LIST = "unsure_series.json"
PAGE = "unsure_series.html"
STYLE = (
    "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:62em;padding:0 1em}section{border-top:1px solid #ccc;"
    "padding:1em 0}img{background:#000;max-width:100%}pre{background:#f3f5f7;padding:.7em}small{color:#5f6b76}"
)
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def keep(private: Path, unsure: Mapping[str, Decision], decided: Container[str]) -> None:
    """Bring the list up to date.

    Parameters
    ----------
    unsure
        Decisions to be made, by what the messages call the series.
    decided
        Tokens of series of which nothing is left to decide: they leave the list.
    """
    before = read_private(private / LIST)
    entries = {token: entry for token, entry in before.items() if token not in decided}
    entries |= {decision.token: _entry(where, decision) for where, decision in unsure.items()}
    if entries != before:
        write_private(private / LIST, entries)
        atomic.write_text(private / PAGE, page_of(entries))
        (private / PAGE).chmod(0o600)


def _entry(where: str, decision: Decision) -> dict[str, Any]:
    stack = decision.stack
    return {
        "where": where,
        "number": stack.first.series_number,
        "slices": stack.plane_count,
        "description": stack.acquisition.description,
        "likely": likely(decision),
        "confidence": round(decision.contrast.confidence, 2),
        "reasons": list(decision.reasons),
        "rule": rule_of(decision),
        "picture": base64.b64encode(picture_of(decision)).decode("ascii"),
    }


def likely(decision: Decision) -> str:
    """Return the likeliest contrast as rules write it; ``unknown`` when nothing speaks for any."""
    return (decision.contrast.name or "unknown") + ("_ce" if decision.contrast.is_enhanced else "")


def rule_of(decision: Decision) -> str:
    """Return the rule that lets a series in as the likeliest thing it is: each line answers one doubt, and no more."""
    lines = ["[[rule]]", f'series = "{decision.token}"']
    word = likely(decision)
    if word not in CONTRASTS:
        lines.append(f'contrast = "skip"  # or one of {", ".join(name for name in CONTRASTS if name != "skip")}')
    elif decision.contrast.confidence < SURE or decision.code not in (INCOMPLETE, BURNT_IN):
        lines.append(f'contrast = "{word}"')
    if decision.is_oblique and decision.plane:
        lines.append(f'plane = "{decision.plane}"')
    if decision.code == INCOMPLETE:
        lines.append("accept_incomplete = true  # once you know that these images are all there is")
    if decision.code == BURNT_IN:
        lines.append("accept_text = true  # once you have looked: nothing in the pixels identifies anybody")
    return "\n".join(lines) + "\n"


def picture_of(decision: Decision) -> bytes:
    """Return some slices of a stack side by side as a PNG; nothing when its pixels cannot be read."""
    if decision.stack.grid is None:
        return b""
    try:
        array = pixels.read_volume(decision.stack.grid).array
    except (InputError, OSError):
        return b""
    return side_by_side(array)


def page_of(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the list as a page for a browser."""
    parts = [_section(token, entries[token]) for token in sorted(entries, key=lambda token: entries[token]["where"])]
    words = f"{len(entries)} series to decide on" if entries else "Nothing to decide"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{words}</title>'
        f"<style>{STYLE}</style></head><body><h1>{words}</h1><p>Put the rules that you agree with into a file, change "
        f"what is wrong, and import again with <code>--rules FILE</code>. Descriptions and pictures are private.</p>"
        f"{''.join(parts)}</body></html>\n"
    )


def _section(token: str, entry: Mapping[str, Any]) -> str:
    words = [f"series number {entry.get('number', '?')}", f"{entry.get('slices', '?')} slices", f"called {token}"]
    picture = entry.get("picture")
    image = f'<img alt="slices of the series" src="data:image/png;base64,{picture}">' if picture else ""
    doubt = f"likely {entry.get('likely', 'unknown')}, confidence {entry.get('confidence', '?')}"
    return (
        f"<section><h2>{html.escape(str(entry['description'])) or 'no description'}</h2>"
        f"<p>{html.escape(', '.join(words))}<br><small>{html.escape(str(entry['where']))}</small></p>{image}"
        f"<p>{html.escape(doubt)}: {html.escape(_sentence(entry['reasons']))}</p>"
        f"<pre>{html.escape(str(entry['rule']))}</pre></section>"
    )


def _sentence(reasons: Sequence[str]) -> str:
    return "; ".join(map(str, reasons))
