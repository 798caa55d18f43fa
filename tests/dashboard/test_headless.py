"""Pages run without a browser: what is done once for all of them hides nothing that a page does wrong."""

from __future__ import annotations

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from dashboard import server


def test_a_page_that_does_not_end_in_time_is_stopped_and_complained_of() -> None:
    def slow() -> None:
        import time  # noqa: PLC0415  # a page is a text of its own

        import streamlit  # noqa: PLC0415

        for _ in range(40):
            time.sleep(0.05)
            streamlit.text("on")

    with pytest.raises(RuntimeError, match="timed out"):
        AppTest.from_function(slow, default_timeout=0.2).run()


def test_what_a_page_shows_and_breaks_at_is_seen() -> None:
    def broken() -> None:
        import streamlit  # noqa: PLC0415

        streamlit.text("so far")
        raise ValueError("no further")

    page = AppTest.from_function(broken).run()
    assert [one.value for one in page.text] == ["so far"]
    assert [one.message for one in page.exception] == ["no further"]


def test_no_package_is_searched_for_components_for_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []
    monkeypatch.setattr(manifest_scanner.importlib.metadata, "distributions", lambda: searched.append(1) or [])
    assert not AppTest.from_function(lambda: None).run().exception
    assert not searched


def test_a_server_searches_no_package_for_components(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []

    class Served:
        def __init__(self, *_: object, **__: object) -> None: ...

        def run(self, **_: object) -> None:
            searched.append(manifest_scanner.scan_component_manifests)

    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", lambda: pytest.fail("searched"))
    monkeypatch.setattr(server.st, "App", Served)
    monkeypatch.setattr(server, "load_ahead", lambda: None)
    monkeypatch.setattr(server.sys, "argv", ["server"])
    server.serve("127.0.0.1", 1, ())
    assert [search() for search in searched] == [[]]
