"""The guide: what ``docs/`` says, as pages with a search of their own, served beside the pages of a study."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from dashboard.words.markup import Html, tag

SITE = Path(__file__).parents[1] / "guide_site"
"""Built by ``make guide`` from ``mkdocs.yml``; not in git, and missing where nobody built it."""
PLACE = "guide"


def routes() -> list[Mount]:
    """Return what serves the guide, nothing where it was not built; it holds nothing of any study."""
    return [Mount(f"/{PLACE}", StaticFiles(directory=SITE))] if SITE.is_dir() else []


def link() -> Html:
    """Write the link to the guide, which opens beside the page, apart from what stands before it; or nothing."""
    if not SITE.is_dir():
        return Html("")
    opened_beside = tag("a", "Guide", href=f"{PLACE}/index.html", target="_blank")
    return tag("span", " · ", opened_beside, class_="ct-guide")
