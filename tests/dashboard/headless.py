"""Pages run without a browser, by Streamlit's ``AppTest``: what it does anew for each page is done once a process.

For each page it reads the description of every package that is installed, to look for components, and while a page
runs it asks a thousand times a second whether it has ended: a quarter of what a page's test takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from dashboard.server import no_manifests

ask_again_and_again = local_script_runner.require_widgets_deltas


def wait_for_the_end(runner: LocalScriptRunner, timeout: float = 3) -> None:
    """Wait until a page has run; one that takes longer is stopped and complained of by Streamlit itself."""
    thread = runner._script_thread
    assert thread is not None
    thread.join(timeout)
    if thread.is_alive():
        ask_again_and_again(runner, 0)


@contextmanager
def quick_pages() -> Iterator[None]:
    """Run pages as they are served: components come with their pages, no package is searched for more."""
    with (
        mock.patch.object(manifest_scanner, "scan_component_manifests", no_manifests),
        mock.patch.object(local_script_runner, "require_widgets_deltas", wait_for_the_end),
    ):
        yield
