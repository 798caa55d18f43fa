"""Files that the server hands out or takes beside the pages: for whoever is signed in, as the pages themselves are.

A file that somebody took away lies under an address of its own while their page is open, and a page's upload has one
too; Streamlit answers there whoever asks. Where people sign in, the cookie of the sign-in is asked for here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import cookie_parser
from streamlit.web.server.starlette import starlette_websocket
from streamlit.web.server.starlette.starlette_auth_routes import USER_COOKIE_NAME

from dashboard.data import who
from dashboard.guard import Application, Message, Receive, Scope, Send
from dashboard.upload_limits import PATH as UPLOAD
from dashboard.upload_limits import let_go
from pipeline.journal.roles import ALLOWED, Deed, VisitorRole

MEDIA = "/media/"
BRINGING = ALLOWED[Deed.EDIT] | ALLOWED[Deed.SIGN]
"""Roles of which one is needed to bring a file: scans, or a corrected mask."""
ROLES_NEEDED: Mapping[str, frozenset[VisitorRole]] = {MEDIA: ALLOWED[Deed.READ], UPLOAD: BRINGING}
KEPT_NOWHERE = (b"cache-control", b"no-store")
"""Of a file that is handed out: neither a browser that others use nor a proxy keeps a copy."""


class SignedRequests:
    """Answers requests for files of those alone who may read or bring them (an ASGI application).

    Parameters
    ----------
    application
        Serves what is let through.
    claims_of
        Returns what the sign-in of a request says; empty where there is none.
    """

    def __init__(self, application: Application, claims_of: Callable[[Scope], Mapping[str, Any]]) -> None:
        self.application = application
        self.claims_of = claims_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = str(scope.get("path", ""))
        place = next((part for part in ROLES_NEEDED if scope["type"] == "http" and part in path), None)
        if place is None:
            await self.application(scope, receive, send)
        elif not who.is_sign_in_on() or who.by_claims(self.claims_of(scope)).roles & ROLES_NEEDED[place]:
            await self.application(scope, receive, _unkept(send) if place == MEDIA else send)
        else:
            await let_go(receive)
            headers = [(b"content-type", b"text/plain; charset=utf-8"), KEPT_NOWHERE]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": b"Files are for whoever is signed in and has a role."})


def cookie_claims(scope: Scope) -> Mapping[str, Any]:
    """Return the claims of the verified token in a request's cookie, which Streamlit has signed; empty without one."""
    text = "; ".join(value.decode("latin-1") for name, value in scope.get("headers", ()) if name.lower() == b"cookie")
    decoded = starlette_websocket._get_signed_cookie_with_chunks(cookie_parser(text), USER_COOKIE_NAME)
    if decoded is None:
        return {}
    claims = starlette_websocket._parse_decoded_user_cookie(decoded, who.origin())
    return claims if claims.get("is_logged_in") else {}


def _unkept(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [pair for pair in message.get("headers", ()) if pair[0].lower() != KEPT_NOWHERE[0]]
            message = {**message, "headers": [*others, KEPT_NOWHERE]}
        await send(message)

    return sending
