"""Files beside the pages: a download's address and an upload are for whoever is signed in and has the role. 2 s."""

import asyncio
import json

import pytest
from streamlit.web.server.starlette import starlette_app_utils

from dashboard import signed_requests
from dashboard.data import who
from dashboard.signed_requests import SignedRequests

MEDIA, UPLOAD, PAGE = "/media/0f.pdf", "/_stcore/upload_file/session/1", "/patient"
MAY = {"ward": {MEDIA}, "board": {MEDIA, UPLOAD}, "office": {MEDIA, UPLOAD}, "chief": {MEDIA, UPLOAD}, "kitchen": set()}


def asked(path, claims, headers=()):
    """Send a request and return the status and the headers of the answer."""
    answer = []

    async def served(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        answer.append(message)

    scope = {"type": "http", "path": path, "headers": list(headers)}
    asyncio.run(SignedRequests(served, claims if callable(claims) else lambda _: claims)(scope, receive, send))
    return answer[0]["status"], dict(answer[0]["headers"])


def said(group, **more):
    return {"iss": "https://idp", "sub": "17", "aud": "cordtrack", "iat": 1000, "groups": [group], **more}


@pytest.mark.parametrize("group", MAY)
def test_each_role_gets_and_brings_what_it_may(sign_in_file, group):
    for path in (MEDIA, UPLOAD, PAGE):
        is_let_in = path == PAGE or path in MAY[group]
        assert asked(path, said(group))[0] == (200 if is_let_in else 403), path


@pytest.mark.parametrize("claims", [{}, said("chief", iat=1000 - 11 * 3600), said("chief", aud="another")])
def test_without_a_sign_in_that_counts_nothing_is_handed_out_or_taken(sign_in_file, claims):
    assert [asked(path, claims)[0] for path in (MEDIA, UPLOAD, PAGE)] == [403, 403, 200]


def test_what_is_handed_out_is_kept_by_no_browser(sign_in_file, monkeypatch):
    assert asked(MEDIA, said("ward"))[1][b"cache-control"] == b"no-store"
    monkeypatch.delenv(who.SIGN_IN_VARIABLE)
    assert asked(MEDIA, {})[0] == 200, "this machine alone, where nobody signs in"


def test_the_cookie_of_a_sign_in_counts_with_its_signature_alone(sign_in_file, monkeypatch):
    secret = "a secret of the pages that is long enough"
    monkeypatch.setattr(signed_requests.starlette_websocket, "get_cookie_secret", lambda: secret)
    name = signed_requests.USER_COOKIE_NAME
    here = "http://127.0.0.1:1"
    for key, origin, status in ((secret, here, 200), ("other" * 8, here, 403), (secret, "http://elsewhere", 403)):
        claims = json.dumps(said("ward", origin=origin, is_logged_in=True))
        cookie = f"other=1; {name}=".encode() + starlette_app_utils.create_signed_value(key, name, claims)
        assert asked(MEDIA, signed_requests.cookie_claims, [(b"cookie", cookie)])[0] == status, (key, origin)
