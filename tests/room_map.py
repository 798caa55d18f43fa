"""``python -m tests.room_map``: the rooms and which imports which, drawn from the code into docs/figures/rooms.svg.

Layers come from the import contracts in ``pyproject.toml``, arrows from the imports themselves. An arrow that follows
from two others is left out, so that the drawing stays readable; the contracts hold all of them.
"""

from __future__ import annotations

import tomllib

import grimp
import matplotlib as mpl
from matplotlib import pyplot as plt

from tests.places import ROOT

PICTURE = ROOT / "docs" / "figures" / "rooms.svg"
COLOURS = {"pipeline": "#dbe7f3", "dashboard": "#f3e7d3"}
LEFT_OUT = {"__main__", "errors", "app"}


def layers_of(package: str) -> list[list[str]]:
    """Return the rooms of a package, layer by layer from the top, as the import contract names them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(
        one for one in settings["tool"]["importlinter"]["contracts"]
        if one["type"] == "layers" and one["containers"] == [package]
    )  # fmt: skip
    layers = [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]
    return [kept for kept in ([n for n in layer if n not in LEFT_OUT] for layer in layers) if kept]


def imports_between(rooms: set[str]) -> set[tuple[str, str]]:
    """Return which room imports which, both named with their package."""
    graph = grimp.build_graph("pipeline", "dashboard", cache_dir=None)
    pairs = set()
    for module in graph.modules:
        importer = ".".join(module.split(".")[:2])
        for imported in graph.find_modules_directly_imported_by(module):
            other = ".".join(imported.split(".")[:2])
            if importer != other and {importer, other} <= rooms:
                pairs.add((importer, other))
    return pairs


def without_detours(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Leave out an arrow where two or more others lead the same way.

    Examples
    --------
    >>> sorted(without_detours({("a", "b"), ("b", "c"), ("a", "c")}))
    [('a', 'b'), ('b', 'c')]
    """
    reached = {start: _reached(start, pairs) for start, _ in pairs}
    return {
        (start, end)
        for start, end in pairs
        if not any(end in reached.get(middle, set()) for one, middle in pairs if one == start and middle != end)
    }


def _reached(start: str, pairs: set[tuple[str, str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        room = waiting.pop()
        following = {end for one, end in pairs if one == room} - seen
        seen |= following
        waiting += following
    return seen


def main() -> None:
    """Draw the picture and print the table of rooms."""
    places: dict[str, tuple[float, float]] = {}
    row = 0
    for package in ("dashboard", "pipeline"):
        for layer in layers_of(package):
            width = 12.0
            for number, room in enumerate(layer):
                places[f"{package}.{room}"] = (width * (number + 1) / (len(layer) + 1), -row)
            row += 1
        row += 1
    arrows = without_detours(imports_between(set(places)))
    draw(places, arrows)
    for room in places:
        files = sorted((ROOT / room.replace(".", "/")).rglob("*.py"))
        lengths = [len(file.read_text(encoding="utf-8").splitlines()) for file in files]
        print(f"{room:28s} {len(files):3d} files, longest {max(lengths, default=0)}")


def draw(places: dict[str, tuple[float, float]], arrows: set[tuple[str, str]]) -> None:
    """Draw rooms as boxes and imports as arrows."""
    mpl.rcParams["svg.hashsalt"] = "rooms"
    figure, axes = plt.subplots(figsize=(11, 12))
    for start, end in sorted(arrows):
        (x0, y0), (x1, y1) = places[start], places[end]
        axes.annotate(
            "", (x1, y1 + 0.27), (x0, y0 - 0.27),
            arrowprops={"arrowstyle": "-|>", "color": "#7d8894", "lw": 0.9, "connectionstyle": "arc3,rad=0.05"},
        )  # fmt: skip
    for room, (x, y) in places.items():
        package, _, name = room.partition(".")
        box = {"boxstyle": "round,pad=0.45", "facecolor": COLOURS[package], "edgecolor": "#4d5b6a"}
        axes.text(x, y, name.replace("_", " "), ha="center", va="center", fontsize=11, bbox=box, zorder=3)
    axes.text(0.2, 0.6, "dashboard", fontsize=13, weight="bold", color="#4d5b6a")
    first = max(y for room, (_, y) in places.items() if room.startswith("pipeline"))
    axes.text(0.2, first + 0.45, "pipeline", fontsize=13, weight="bold", color="#4d5b6a")
    axes.set_xlim(0, 12)
    axes.set_ylim(min(y for _, y in places.values()) - 0.7, 1.0)
    axes.axis("off")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
