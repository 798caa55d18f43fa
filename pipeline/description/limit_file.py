"""The packaged limits of a description; the only file that this room reads beside its table of frequencies."""

from __future__ import annotations

from functools import cache

from pipeline.description.description_limits import DescriptionLimits, problems
from pipeline.errors import SettingsError
from pipeline.files import toml_rules

FILE = "limits_v1.toml"


@cache
def packaged() -> DescriptionLimits:
    """Return the packaged limits.

    Raises
    ------
    SettingsError
        The file was changed into one that cannot be used.
    """
    table = toml_rules.packaged("pipeline.description", FILE)
    limits: DescriptionLimits = toml_rules.fill(DescriptionLimits, table, FILE)
    faults = problems(limits)
    if faults:
        raise SettingsError(f"{FILE}: {'; '.join(faults)}; correct the file")
    return limits
