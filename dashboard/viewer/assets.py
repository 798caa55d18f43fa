"""The browser side of the viewers, read from the package once and sent with the component."""

from __future__ import annotations

from pathlib import Path

from dashboard.viewer.fetch_niivue import NIIVUE

__all__ = ["FRONTEND", "NIIVUE", "SLICES", "script", "text"]

FRONTEND = Path(__file__).parent / "frontend"

SLICES = ("draw.js", "ruler.js", "links.js", "tools.js", "controls.js", "slices.js")
"""The plain viewer, which the other one is built on."""


def text(*names: str) -> str:
    """Read files of the frontend folder as one text."""
    return "\n".join((FRONTEND / name).read_text(encoding="utf-8") for name in names)


def script(entry: str, *names: str) -> str:
    """Join JavaScript files into one module whose entry point is the function called ``entry``."""
    return f"{text(*names)}\nexport default {entry};\n"
