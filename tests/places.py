"""Where tests find things: the project, and the material beside it, which may not be there."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_data"
SHARED = ROOT.parent / "shared"
REALCORD = SHARED / "realcord"
