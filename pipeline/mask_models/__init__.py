"""Where the masks of a visit that nobody drew on come from, when not from the patient's other visits.

One small interface (``interface``), two sources behind it: the Spinal Cord Toolbox as a program (``toolbox``) and any
ONNX model described by a TOML file (``onnx_model``). Imports ``core``, ``cord``, ``files`` and ``study``; the one room
with onnxruntime. Masks that people drew always stand before a source's, and it never draws where a model failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.mask_models.interface import MaskSource, SourcedMasks
from pipeline.mask_models.onnx_model import OnnxSource, load_model
from pipeline.mask_models.toolbox import ToolboxSource, find_toolbox

__all__ = ["GIVEN", "MaskSource", "OnnxSource", "SourcedMasks", "ToolboxSource", "masks_of", "source_of"]

GIVEN = "given"
"""The word for: masks of this study folder alone, carried to the visits without."""

TOOLBOX = "sct"
"""The word for: the Spinal Cord Toolbox's tumour model."""


def source_of(spec: str) -> MaskSource | None:
    """Return the source that a user named, ready to draw; None for the study's own masks alone.

    Parameters
    ----------
    spec
        ``given``, ``sct``, or the path of a model's ``.toml`` file.

    Raises
    ------
    SettingsError
        There is no such source, or what it needs is not installed.
    """
    if spec == GIVEN:
        return None
    if spec == TOOLBOX:
        return find_toolbox()
    if spec.endswith(".toml"):
        return load_model(Path(spec))
    raise SettingsError(f"masks from {spec!r}: expected {GIVEN}, {TOOLBOX} or the path of a model's .toml file")


def masks_of(scans: Mapping[str, Volume], source: MaskSource) -> SourcedMasks:
    """Draw the masks of one visit.

    Parameters
    ----------
    scans
        Contrast (such as ``T2w`` or ``T1w_ce``) to the scan, all on the grid that the masks shall have.
    source
        From :func:`source_of`.

    Raises
    ------
    InputError
        A contrast that the source needs is missing, or it cannot draw on these scans.
    """
    chosen = []
    for accepted in source.channels:
        scan = next((scans[contrast] for contrast in accepted if contrast in scans), None)
        if scan is None:
            needed, there = " or ".join(accepted), ", ".join(sorted(scans)) or "none"
            raise InputError(f"masks from {source.name} need a {needed} scan of the visit, found {there}")
        chosen.append(scan)
    return source.draw(chosen)
