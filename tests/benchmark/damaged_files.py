"""Damaged files at every door: none may crash the program, hang, take memory for nothing or pass as whole."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.damaged_doors import LONGEST_S, doors, tried

EACH = 190
"""Inputs of each door: some 2,000 in all."""

UNSAID = (
    "*Not noticed* is another value of the same kind: a digit of a table, a voxel of an uncompressed image, a field of "
    "a header that nothing else repeats. Compressed images and journal lines carry checksums and have none."
)


def main() -> int:
    print("## Damaged files\n")
    print("Headers, tables, DICOM, TOML and journal lines with bits, bytes, blocks, cells and lines changed, lost, ")
    print("doubled or put in, at random by a seed. Each is refused in words, read with a finding, read as if nothing ")
    print(
        f"had happened (the damage did not matter), or not noticed; a crash or {LONGEST_S} s without an answer fails.\n"
    )
    print("| door | inputs | refused | said | no matter | not noticed | faults | ms each | memory MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    total = faults = 0
    for door in doors():
        with tempfile.TemporaryDirectory() as folder:
            tried(door, Path(folder) / "first", range(10))
            before_mb, started = _peak_mb(), time.perf_counter()
            tally = tried(door, Path(folder) / "all", range(10, 10 + EACH))
            spent_ms = 1000 * (time.perf_counter() - started) / EACH
        grown_mb = _peak_mb() - before_mb
        counts = (tally.count, tally.refused, tally.told, tally.same, len(tally.unsaid), len(tally.faults))
        print(f"| {door.name} | {' | '.join(map(str, counts))} | {spent_ms:.0f} | {grown_mb:+.0f} |", flush=True)
        bad = [*tally.faults, *(tally.unsaid if door.is_sealed else ())]
        print("\n".join(bad), file=sys.stderr, flush=True, end="\n" if bad else "")
        total, faults = total + tally.count, faults + len(bad)
    print(f"\n{total:,} inputs, {faults} faults. {UNSAID}\n")
    return 1 if faults else 0


def _peak_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    sys.exit(main())
