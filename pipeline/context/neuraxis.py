"""What a form of the whole neuraxis says: seeding or not, what was found, and what is missing.

Seeding is seen where any item of it is present or the fluid holds tumour cells; it is excluded only where all levels
were imaged with contrast agent and every item is absent. Everything else is *not imaged* (or not completely), and each
missing item is named. Hydrocephalus alone is no seeding: a cord tumour makes it in other ways. What this module
refuses: to take a missing item for a negative one, and a score.

References
----------
Le Rhun 2019, Neuro-Oncology 21:648-658, PMC6502503 (revised scorecard); Chamberlain 2017, 10.1093/neuonc/now183.
"""

from __future__ import annotations

from pipeline.core.neuraxis_form import ITEMS, LEVELS, SEEDING_ITEMS, Imaged, Item, NeuraxisForm
from pipeline.core.records import Neuraxis

YES, NO, NOT_IMAGED = "yes", "no", "not imaged"
"""The answers of the judge's field ``leptomeningeal``."""


def seeding(form: NeuraxisForm | None) -> bool | None:
    """Return the judge's answer: seen, looked for everywhere and not seen, or None.

    Examples
    --------
    >>> seeding(NeuraxisForm(spine_nodules="present")), seeding(NeuraxisForm(spine_nodules="absent")), seeding(None)
    (True, None, None)
    """
    if form is None:
        return None
    if form.shows_seeding:
        return True
    is_whole = all(getattr(form, level) == Imaged.YES for level in LEVELS) and form.contrast == "yes"
    is_clear = all(getattr(form, name) == Item.ABSENT for name in SEEDING_ITEMS)
    return False if is_whole and is_clear else None


def present(form: NeuraxisForm) -> tuple[str, ...]:
    """Return what was found, in words."""
    return tuple(words for name, words in ITEMS.items() if getattr(form, name) == Item.PRESENT)


def missing(form: NeuraxisForm) -> tuple[str, ...]:
    """Return what the form cannot exclude seeding by: levels, contrast agent and items, in words.

    Examples
    --------
    >>> missing(NeuraxisForm("yes", "yes", "partly", None, "yes", *["absent"] * 6))
    ('thoracic cord imaged partly', 'lumbar canal: not said')
    """
    levels = []
    for name, words in LEVELS.items():
        answer = getattr(form, name)
        if answer is None:
            levels.append(f"{words}: not said")
        elif answer != Imaged.YES:
            levels.append(f"{words} {'not imaged' if answer == Imaged.NO else 'imaged partly'}")
    contrast = {"yes": (), "no": ("no contrast agent",)}.get(form.contrast or "", ("contrast agent: not said",))
    items = []
    for name, words in ITEMS.items():
        answer = getattr(form, name)
        if answer is None:
            items.append(f"{words}: not said")
        elif answer == Item.NOT_EVALUABLE:
            items.append(f"{words} not evaluable")
    return (*levels, *contrast, *items)


def record(patient_id: str, session_id: str, form: NeuraxisForm) -> Neuraxis:
    """Return the stored row of a form, with what follows from it."""
    answer = seeding(form)
    return Neuraxis(
        patient_id=patient_id,
        session_id=session_id,
        **{name: getattr(form, name) for name in (*LEVELS, "contrast", *ITEMS, "reader")},
        leptomeningeal=NOT_IMAGED if answer is None else YES if answer else NO,
        present="; ".join(present(form)) or None,
        missing="; ".join(missing(form)) or None,
    )
