"""What the free text about a contrast agent says: given, not given, or nothing that is known.

(0018,0010) is typed by people in their language (DICOM PS3.3 C.7.6.4): text is no agent until it is known as one.
Agents: names of gadolinium products of the European and American registers and their substances (EMA/625317/2017).
"""

from __future__ import annotations

import re

AGENTS = re.compile(
    r"\bgad|\bgd\b|\bgd[ -]?(dtpa|dota|bt|do3a|eob|bopta)|gadolin|gadoter|gadobu|gadote|gado\b|dotarem|dotagraf|"
    r"gadovist|gadavist|clariscan|prohance|magnevist|magnegita|magnograf|multihance|omniscan|optimark|primovist|eovist|elucirem|"
    r"vueway|artirem|ablavar|vasovist|cyclolux|pixxoscan|gadograf|gadopent|гадо|магневист|омнискан|дотарем|ガド|钆|"
    r"マグネビスト|プロハンス"
)  # fmt: skip
GIVEN = re.compile(
    r"^(yes|y|ja|j|oui|si|sí|sì|sim|tak|ano|да|contrast|contraste|kontrast|kontrastmittel|km|mdc|pdc|ce|\+ ?c|c\+|"
    r"i\.?v\.? ?(contrast|kontrast|km)|with contrast|mit km|mit kontrast\w*|avec (gado|contraste|injection)|con mdc|"
    r"con contraste|post contrast)[ .]*$"
)  # fmt: skip
NOT_GIVEN = re.compile(
    r"\b(no|not|non|none|nil|null|nein|kein|keine|keines|ohne|nicht|without|w/o|wo|sans|aucun|pas de|sin|senza|nessuno|"
    r"geen|zonder|nee|utan|ingen|ingenting|ei|uden|uten|bez|brak|nie|sem|nenhum|ninguno|nem|nincs|fara|hayir|yok|нет|"
    r"без|не|nativ|native|nativo|plain|n/a|n\.a\.?|na|n|f|false|unenhanced|non[- ]?contrast|noncontrast|negative)\b|"
    r"なし|無|无|没有"
)  # fmt: skip
SILENT = re.compile(r"[\W_]*")
ZERO = re.compile(r"0+([.,]0*)?( ?ml)?")


def agent_given(words: str) -> bool | None:
    """Say whether words name a contrast agent that was given; None when they say nothing that is known.

    Examples
    --------
    >>> [agent_given(words) for words in ("Gadovist", "kein KM", "NO CONTRAST", "-", "Salbe")]
    [True, False, False, None, None]
    """
    plain = " ".join(words.lower().replace("_", " ").split())
    if ZERO.fullmatch(plain):
        return False
    is_denied, is_agent = NOT_GIVEN.search(plain) is not None, AGENTS.search(plain) is not None
    if is_denied:
        return None if is_agent and NOT_GIVEN.match(plain) is None else False
    return True if is_agent or GIVEN.match(plain) else None


def says_nothing(words: str) -> bool:
    """Say whether a text is a mere placeholder: empty, or signs without a letter or digit."""
    return SILENT.fullmatch(words.strip()) is not None
