"""``python -P -m dashboard.packet OUT_DIR PATIENT FILE [--title]``: what ``cordtrack packet`` runs.

With ``--title`` the page is headed by what standard input holds, a person's name, unless that is empty.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from streamlit.logger import set_log_level

from pipeline.errors import CordtrackError, SettingsError


def main(out_dir: str, patient: str, target: str, *options: str) -> int:
    """Write the packet of one patient as .pdf or .html; return the exit code."""
    set_log_level("ERROR")
    from dashboard import packet  # noqa: PLC0415  # its caches speak up while they are imported
    from dashboard.data import queries  # noqa: PLC0415  # its caches speak up while they are imported
    from dashboard.shell import page  # noqa: PLC0415  # its caches speak up while they are imported

    os.environ[queries.OUT_VARIABLE] = out_dir
    file, name = Path(target), f"sub-{patient.removeprefix('sub-')}"
    makers = {".pdf": packet.pdf, ".html": packet.html}
    try:
        if file.suffix not in makers:
            raise SettingsError(f"{file}: expected a name that ends in .pdf or .html")
        study = page.study()
        patient_ids = set(queries.query("board", criteria_id=study.criteria_id)["patient_id"])
        if name not in patient_ids:
            raise SettingsError(f"{name}: expected a patient of the study, found none of that name")
        title = sys.stdin.buffer.read().decode("utf-8").strip() if "--title" in options else ""
        page_of = packet.gather(name, study)
        file.write_bytes(makers[file.suffix](replace(page_of, patient_id=title) if title else page_of))
    except CordtrackError as error:
        sys.stderr.write(f"cordtrack: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"cordtrack: {file}: cannot be written ({error.strerror})\n")
        return 2
    sys.stderr.write(f"wrote {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
