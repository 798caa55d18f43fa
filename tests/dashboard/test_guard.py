"""Requests for another name, from another site or for the server's own numbers never reach the pages."""

import asyncio

import pytest

from dashboard.guard import SECURITY_HEADERS, Guard

HERE = {"host": "127.0.0.1:8501"}


async def pages(scope, receive, send):
    """Stand for Streamlit: answer everything."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Referrer-Policy", b"no-referrer")]})
    await send({"type": "http.response.body", "body": b"pages"})


def asked(headers, *, kind="http", path="/", names=()):
    """Send one request through the guard and return the messages of the answer."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    scope = {"type": kind, "path": path, "headers": [(k.encode(), v.encode("latin-1")) for k, v in pairs]}
    answer = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        answer.append(message)

    asyncio.run(Guard(pages, names)(scope, receive, send))
    return answer


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:8501", "localhost.:8501"])
def test_names_of_this_machine_are_served(host):
    assert asked({"host": host})[0]["status"] == 200
    assert asked({"host": host, "origin": f"http://{host}"}, kind="websocket") == [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "127.0.0.1:x",
        "",
        "[::1",
        "localhost/..",
        "10.0.0.7",
    ],
)
def test_another_name_is_refused_for_pages_and_sessions_alike(host):
    assert asked({"host": host})[0]["status"] == 421
    assert asked({"host": host, "origin": f"http://{host}"}, kind="websocket")[0]["type"] == "websocket.close"


def test_a_request_without_or_with_two_names_is_refused():
    assert asked({})[0]["status"] == 421
    assert asked([("host", "localhost"), ("host", "evil.example")])[0]["status"] == 421


def test_a_name_that_is_allowed_is_served_and_its_neighbours_are_not():
    assert asked({"host": "cord.hospital.example"}, names=["Cord.hospital.example"])[0]["status"] == 200
    assert asked({"host": "x.cord.hospital.example"}, names=["cord.hospital.example"])[0]["status"] == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "file://", "http://[", ""])
def test_a_page_from_elsewhere_gets_no_session(origin):
    assert asked({**HERE, "origin": origin})[0]["status"] == 403
    refused = asked({**HERE, "origin": origin}, kind="websocket")
    assert [message["type"] for message in refused] == ["websocket.close"]


def test_a_proxy_in_front_that_speaks_tls_is_the_same_place():
    headers = {"host": "cord.hospital.example", "origin": "https://cord.hospital.example"}
    assert asked(headers, kind="websocket", names=["cord.hospital.example"]) == [{"type": "websocket.accept"}]


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics/", "/_stcore/script-health-check"])
def test_numbers_about_the_server_are_nobody_s(path):
    assert asked(HERE, path=path)[0]["status"] == 404


def test_every_answer_is_kept_to_itself_and_says_its_own_where_it_has_one():
    for answer in (asked(HERE), asked({"host": "evil.example"})):
        names = [name.lower().decode() for name, _ in answer[0]["headers"]]
        assert set(SECURITY_HEADERS) <= set(names)
        assert len(names) == len(set(names))
    assert (b"Referrer-Policy", b"no-referrer") in asked(HERE)[0]["headers"]


def test_what_a_stranger_sent_is_quoted_and_short():
    body = asked({"host": "<script>\r\n" + "a" * 5000})[1]["body"].decode()
    assert "\n" not in body
    assert len(body) < 600
    assert "--allow-host" in body
