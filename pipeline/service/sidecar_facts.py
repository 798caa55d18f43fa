"""What may come along from the JSON file beside a NIfTI image that somebody brings: a short list of plain facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.acquisition.protocol import maker_of, plain
from pipeline.hospital.importing.writing import KINDS, MODELS, VARIANTS
from pipeline.study.sidecars import MOST_BYTES, OWN_TOKEN

NUMBERS = (
    "MagneticFieldStrength", "EchoTime", "RepetitionTime", "InversionTime", "FlipAngle", "EchoTrainLength",
    "SliceThickness", "SpacingBetweenSlices",
)  # fmt: skip
"""Numbers that say how a scan was made; whoever reads them believes each within reason only."""
WORDS = {"ScanningSequence": KINDS, "SequenceVariant": VARIANTS}


def facts_in(sidecar: Path | None) -> dict[str, Any]:
    """Return what a JSON file says of how its image was made; nothing where it cannot be read.

    Numbers, code words and the names of makers and models that are sold, nothing else: free text, dates, places and
    numbers of devices may tell a person.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "scan.json"
    ...     _ = path.write_text('{"EchoTime": 0.09, "PatientName": "Doe", "Manufacturer": "SIEMENS"}')
    ...     facts_in(path)
    {'Modality': 'MR', 'EchoTime': 0.09, 'Manufacturer': 'Siemens'}
    """
    content = _content(sidecar)
    facts: dict[str, Any] = {"Modality": "MR"}
    for name in NUMBERS:
        value = content.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            facts[name] = value
    for name, allowed in WORDS.items():
        words = [word for word in str(content.get(name) or "").replace("\\", "_").split("_") if word in allowed]
        facts |= {name: "_".join(words)} if words else {}
    model = plain(str(content.get("ManufacturersModelName") or ""))
    token = content.get("DeviceToken")
    kind = content.get("MRAcquisitionType")
    chosen = {
        "Manufacturer": maker_of(str(content.get("Manufacturer") or "")),
        "ManufacturersModelName": next((name for name in MODELS if model == plain(name)), None),
        "MRAcquisitionType": kind if kind in ("2D", "3D") else None,
        "DeviceToken": token if isinstance(token, str) and OWN_TOKEN.fullmatch(token) else None,
    }
    return facts | {name: value for name, value in chosen.items() if value}


def _content(sidecar: Path | None) -> dict[str, Any]:
    try:
        if sidecar is None or sidecar.stat().st_size > MOST_BYTES:
            return {}
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
