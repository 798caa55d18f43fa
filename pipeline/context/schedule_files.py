"""Follow-up schedules: the packaged file, or a user's own by path."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from pipeline.context.surveillance import Surveillance, problems
from pipeline.errors import SettingsError
from pipeline.files import toml_rules

DEFAULT_FILE = "surveillance_v1.toml"


def load(path: Path | None = None) -> Surveillance:
    """Read the packaged schedules, or those of a file.

    Parameters
    ----------
    path
        A ``.toml`` file written like the packaged one; None for that one.

    Raises
    ------
    SettingsError
        There is no such file, or it cannot be used as it is.

    Examples
    --------
    >>> load().overdue_ratio
    1.5
    """
    if path is None:
        return _packaged()
    if not path.is_file():
        raise SettingsError(f"{path}: expected a .toml file with schedules, found none; check the path")
    return _parse(path.read_bytes(), path.name)


@cache
def _packaged() -> Surveillance:
    return _parse((resources.files("pipeline.context") / "schedules" / DEFAULT_FILE).read_bytes(), DEFAULT_FILE)


def _parse(content: bytes, where: str) -> Surveillance:
    table = {**toml_rules.parse(content, where), "sha256": hashlib.sha256(content).hexdigest()}
    rules: Surveillance = toml_rules.fill(Surveillance, table, where)
    faults = problems(rules)
    if faults:
        raise SettingsError(f"{where}: {'; '.join(faults)}; correct the file")
    return rules
