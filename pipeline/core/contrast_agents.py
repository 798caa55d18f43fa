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
BESIDE_AGENT = re.compile(
    r"[a-z]?\d[\d.,]*(ml|cc|mmol|mol|mg|kg|g|l|m|s|x)?|ml|cc|mmol|mol|mg|kg|g|l|m|s|sec|x|fl|amp|dose|doses|single|double|"
    r"half|"
    r"i\.?v\.?|iv|po|intra|venous\w*|intraven\w*|inj\w*|bolus|hand|manual\w*|power|injector|pump|flow|rate|saline|nacl|"
    r"with|mit|avec|con|yes|ja|and|und|et|plus|post|per|via|at|of|"
    r"agent\w*|contrast\w*|kontrast\w*|km|mdc|pdc|product|compound|containing|based|medium|media|solution|given|"
    r"administered|generic|"
    r"\w*meglumin\w*|sodium|disodium|acid|acide|säure|salt|dimegl\w*|dota|dtpa|bma|bt|do3a|eob|bopta|hp|extra\w*|"
    r"bayer|guerbet|bracco|ge|healthcare|sanochemia|vial|flasche|spritze|lot|charge|ch|batch|nr|no\.|premix\w*"
)  # fmt: skip
"""Words that may stand beside an agent's name: doses, ways, salts, makers. Any other may say that it was not given."""
NO_DOSE = re.compile(r"(?<![\d.,])0+([.,]0+)? ?(ml|cc|mmol|mg|g|l)\b")
SILENT = re.compile(r"[\W_]*")
ZERO = re.compile(r"0+([.,]0*)?( ?ml)?")


def agent_given(words: str) -> bool | None:
    """Say whether words name a contrast agent that was given; None when they say nothing that is known.

    Examples
    --------
    >>> [agent_given(words) for words in ("Gadovist", "kein KM", "NO CONTRAST", "-", "Salbe")]
    [True, False, False, None, None]
    >>> [agent_given(words) for words in ("Gadovist 7,5 ml i.v.", "Gadovist refused", "Gadovist 0 ml")]
    [True, None, None]
    """
    plain = " ".join(words.lower().replace("_", " ").split())
    if ZERO.fullmatch(plain):
        return False
    is_denied, is_agent = NOT_GIVEN.search(plain) is not None, AGENTS.search(plain) is not None
    if is_denied:
        return None if is_agent and NOT_GIVEN.match(plain) is None else False
    if GIVEN.match(plain):
        return True
    return True if is_agent and _is_agent_alone(plain) else None


def _is_agent_alone(plain: str) -> bool:
    """Say whether nothing beside an agent's name may mean that it was not given, was planned or given before."""
    if NO_DOSE.search(plain) or "?" in plain:
        return False
    words = re.findall(r"[\w.,]+", plain)
    return all(BESIDE_AGENT.fullmatch(word.strip(".,")) or AGENTS.search(word) for word in words if word.strip(".,"))


def says_nothing(words: str) -> bool:
    """Say whether a text is a mere placeholder: empty, or signs without a letter or digit."""
    return SILENT.fullmatch(words.strip()) is not None
