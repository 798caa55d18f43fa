"""Which part of the body a series shows when that is not the spine, by its header; asked about, never decided.

An archive hands out all that it has of a patient, knees and heads too, and an image's timing does not tell a brain from
a cord. The header's body part (DICOM PS3.3 C.7.3.1, PS3.16 annex L) is filled in by the protocol that was chosen and is
wrong in some hospitals for every series, so that a name with a word for the spine outweighs it.
"""

from __future__ import annotations

import re

from pipeline.hospital.read.instances import SeriesAcquisition
from pipeline.hospital.read.makers_habits import spaced

SPINE = re.compile(
    r"spine|spinal|\b[ctls]+ ?sp\b|\b[hblg]ws\b|wirbel|cord\b|medull|myel|rachi|column|colonna|vertebr|cervi(?!x)"
    r"|thora[ck]|dors|lumb|lomb|lenden|brustw|halsw|sacr|sakr|neck\b|neuraxis|ruggen|kregos|whole ?body|trunk|\bback\b"
)
"""Words for the spine, the cord or a stretch that holds them, in lower case, in several languages."""
ELSEWHERE = {
    "head": r"\bheads?\b|brain|skull|\bcrani|cr[aâ]ne|c[eé]r[eé]br|kopf|sch(ä|ae)del|neurocran|hirn|cabeza",
    "face or skull base": r"\borbit|\bsinus\b|\bface\b|pituit|hypophys|\bsella\b|\bmaxill|\biac\b|\bear\b",
    "knee": r"\bknee|\bknie|genou|ginocchi|rodilla",
    "shoulder or arm": r"shoulder|schulter|[eé]paule|spalla|\belbow|ellbogen|\bwrist|handgelenk|\bhand\b|humer|\barm\b",
    "hip or leg": r"\bhips?\b|h(ü|ue)fte|hanche|\banca\b|\bankle|\bfoot\b|\bfu(ß|ss)\b|\bfemur|tibia|\bthigh",
    "chest": r"\bchest\b|breast|mamma|brust\b|\bheart\b|\bherz\b|cardia|\blung",
    "belly or pelvis": r"abdom|\bliver\b|leber\b|foie\b|kidney|\bniere|prostat|\buter|pan[ck]rea|mrcp|pelvi|becken",
}
"""Parts of the body where no cord is, and words for them in lower case."""


def shown_elsewhere(acquisition: SeriesAcquisition) -> str | None:
    """Return the part of the body that a series shows, in our words; None where it may be the spine.

    Examples
    --------
    >>> shown_elsewhere(SeriesAcquisition(body_part="BRAIN", description="t2_tse_tra"))
    'head'
    >>> shown_elsewhere(SeriesAcquisition(body_part="HEAD", description="t2_tse_sag_HWS"))
    >>> shown_elsewhere(SeriesAcquisition(description="pd_tse_sag_knie"))
    'knee'
    >>> shown_elsewhere(SeriesAcquisition(body_part="CSPINE", description="localizer head coil"))
    """
    words = spaced(f"{acquisition.body_part} {acquisition.description}")
    if SPINE.search(words):
        return None
    return next((part for part, expression in ELSEWHERE.items() if re.search(expression, words)), None)
