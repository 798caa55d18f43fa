"""Which code means which compartment, in both directions.

The SNOMED CT codes are those of DICOM PS3.16 CID 7159 (lesions) and CID 7153 (central nervous system); an enhancing
tumour has the code of the NCI Thesaurus that DICOM lists. For what none of them holds (syrinx, resection cavity) there
is a private scheme: a wrong code would be read as certain by the next program.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydicom.sr.coding import Code

from pipeline.core.vocabulary import Compartment

OWN_SCHEME = "99CORDTRACK"
ALTERED = Code("49755003", "SCT", "Morphologically Abnormal Structure")
ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
SPINAL_CORD = Code("2748008", "SCT", "Spinal cord")

TYPES: Mapping[Compartment, Code] = MappingProxyType({
    Compartment.TUMOUR: Code("108369006", "SCT", "Neoplasm"),
    Compartment.ENHANCING: Code("C113842", "NCIt", "Enhancing Lesion"),
    Compartment.CYST: Code("367643001", "SCT", "Cyst"),
    Compartment.SYRINX: Code("syrinx", OWN_SCHEME, "Syrinx"),
    Compartment.OEDEMA: Code("79654002", "SCT", "Edema"),
    Compartment.CAVITY: Code("cavity", OWN_SCHEME, "Resection cavity"),
    Compartment.HAEMORRHAGE: Code("50960005", "SCT", "Hemorrhage"),
    Compartment.CORD: SPINAL_CORD,
})  # fmt: skip

UNDERSTOOD: tuple[tuple[Code, Compartment], ...] = (
    *((code, compartment) for compartment, code in TYPES.items()),
    (Code("enhancing", OWN_SCHEME, "Enhancing tumour"), Compartment.ENHANCING),
    (Code("86049000", "SCT", "Neoplasm, Primary"), Compartment.TUMOUR),
    (Code("M-80003", "SRT", "Neoplasm, Primary"), Compartment.TUMOUR),
    (Code("M-8000/3", "SRT", "Neoplasm, Primary"), Compartment.TUMOUR),
    (Code("M-80000", "SRT", "Neoplasm"), Compartment.TUMOUR),
)
"""Codes of other programs that mean a compartment; SNOMED RT codes count as the SNOMED CT codes they became."""

VAGUE: frozenset[tuple[str, str]] = frozenset({
    ("52988006", "SCT"), ("M-01100", "SRT"), ("49755003", "SCT"), ("M-01000", "SRT"), ("123037004", "SCT"),
    ("T-D0050", "SRT"), ("85756007", "SCT"), ("M-02000", "SRT"), ("4147007", "SCT"), ("M-03000", "SRT"),
    ("91723000", "SCT"),
})  # fmt: skip
"""Codes that say too little (lesion, altered or anatomical structure, tissue, mass): there a name decides."""

NARROWER = frozenset({(Compartment.TUMOUR, Compartment.ENHANCING)})
"""A label may say more than its code: an enhancing tumour is coded as neoplasm by many programs."""


def compartment_coded(value: str, scheme: str) -> Compartment | None:
    """Return the compartment of a code; None when it means none.

    Examples
    --------
    >>> compartment_coded("M-36300", "SRT")
    <Compartment.OEDEMA: 'oedema'>
    """
    given = Code(value, scheme, "")
    return next((compartment for code, compartment in UNDERSTOOD if code == given), None)


def is_vague(value: str, scheme: str) -> bool:
    """Say whether a code leaves open what a segment shows, so that its name may decide."""
    return (value, scheme) in VAGUE


def category_of(compartment: Compartment) -> Code:
    """Return the category under which a compartment stands."""
    return ANATOMY if compartment == Compartment.CORD else ALTERED
