"""The wheel's build: fetch NiiVue, so that whoever installs the wheel has the whole viewer; refuse to build without.

Only the standard library and hatchling are there while a wheel is built.
"""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FETCH = Path("dashboard", "viewer", "fetch_niivue.py")
WITHOUT = "CORDTRACK_BUILD_WITHOUT_NIIVUE"


class CustomBuildHook(BuildHookInterface):
    """Put NiiVue into the source folder before its files are listed; an editable install leaves that to the set-up."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fetch NiiVue unless it is there.

        Raises
        ------
        RuntimeError
            It is not there and cannot be fetched, and nobody asked for a wheel without it.
        """
        if version == "editable":
            return
        spec = spec_from_file_location("fetch_niivue", Path(self.root) / FETCH)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{FETCH}: expected the module that fetches NiiVue, found none; build from a whole copy")
        fetch_niivue = module_from_spec(spec)
        sys.modules[spec.name] = fetch_niivue
        spec.loader.exec_module(fetch_niivue)
        try:
            fetch_niivue.fetch()
        except fetch_niivue.UnavailableError as problem:
            if os.environ.get(WITHOUT) != "1":
                raise RuntimeError(
                    f"the wheel needs NiiVue for the scan viewer, and it could not be fetched: {problem}; build where "
                    f"the npm registry is reached, put the file at {fetch_niivue.NIIVUE}, "
                    f"or set {WITHOUT}=1 for a wheel whose viewer shows plain slices only"
                ) from problem
