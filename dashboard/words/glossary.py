"""Words that a reader may not know, each explained where it stands (on hover) and all together on the Methods page."""

from __future__ import annotations

from dashboard.words import labels
from dashboard.words.markup import Html, tag

TERMS = {
    "95\u202f% CI": (
        "95 % confidence interval: where the true value would lie in 95 of 100 such measurements, from the stated "
        "measurement error; of a change, as all scans since the baseline tell it"
    ),
    "CV": "coefficient of variation: the standard error of a volume as a share of it",
    "baseline": "the scan that a period of follow-up begins with: the first usable one late enough after a treatment",
    "nadir": "the scan with the smallest solid tumour since the baseline, the baseline included",
    "previous": "the judged scan before this one",
    "detection limit": "the smallest change that all scans since the baseline would let be called beyond error",
    "provisional": "rests on an automatic mask that nobody signed; accepting the mask makes it final",
    "to be confirmed": "the rule asks for a second scan that shows the same before this counts",
    "aligned A": "the certificate of the alignment to the reference visit: A trusted, B with a doubt, C not trusted",
    "as judged": (
        "the change that the rule compared, where that is not the whole tumour volume: it measures something else, or "
        "leaves a new tumour out; the patient's page says which"
    ),
    "possible": "beyond the threshold of the rule, but not beyond measurement error",
    "adapted": "a published rule changed to suit intramedullary tumours, for which no rule is validated",
    **{short: f"{word}, a category of response criteria" for short, word in labels.CATEGORIES.items()},
}
"""Word to what it means here."""


def term(word: str, shown: str = "") -> Html:
    """Write a word that explains itself on hover.

    >>> term("nadir")
    '<abbr title="the scan with the smallest solid tumour since the baseline, the baseline included">nadir</abbr>'
    """
    return tag("abbr", shown or word, title=TERMS[word])


def category(shown: str) -> str:
    """Return what a category means, with or without the mark of an awaited confirmation.

    >>> category("PD?")
    'progressive disease, a category of response criteria; to be confirmed by a second scan'
    """
    meaning = TERMS[shown.rstrip("?")]
    return f"{meaning}; to be confirmed by a second scan" if shown.endswith("?") else meaning
