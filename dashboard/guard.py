"""What stands in front of the pages: requests for another name or from another site are refused, answers are closed.

A page of another site whose name is made to lead to this machine (DNS rebinding) would get a session of its own and
could put acts on record; a browser tells what name it asked for and whose page it shows, and both are checked here,
before Streamlit sees the request (which would ask an outside address for this machine's own in between).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
CLOSED = ("/_stcore/metrics", "/_stcore/script-health-check")
"""Of the server itself, for nobody who reads the pages."""
SECURITY_HEADERS = {
    "content-security-policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Streamlit and Plotly compile as they go
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "frame-src 'self' data: blob:",
            "frame-ancestors 'self'",
            "form-action 'self'",
            "base-uri 'self'",
            "object-src 'none'",
        )
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
"""Of every answer: nothing is loaded from elsewhere, no other site shows these pages in a frame of its own."""


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered: a status of HTTP, and the sentence for whoever sent it."""

    status: int
    sentence: str


class Guard:
    """Lets requests through that ask for a name served here, from a page served here (an ASGI application).

    Parameters
    ----------
    application
        Serves what is let through.
    names
        Host names under which the pages may be asked for, beside those of this machine alone.
    """

    def __init__(self, application: Application, names: Iterable[str] = ()) -> None:
        self.application = application
        self.names = THIS_MACHINE | {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        refusal = refusal_of(scope, self.names)
        if refusal is None:
            await self.application(scope, receive, _closing(send))
        elif scope["type"] == "websocket":
            await receive()  # the wish to connect
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.sentence[:120]})
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            start = {"type": "http.response.start", "status": refusal.status, "headers": headers}
            await _closing(send)(start)
            await send({"type": "http.response.body", "body": refusal.sentence.encode()})


def refusal_of(scope: Scope, names: frozenset[str]) -> Refusal | None:
    """Say why a request is refused; None where it is answered.

    Parameters
    ----------
    scope
        The request as ASGI hands it over: its path and its headers.
    names
        Host names that are served, in lower case.
    """
    hosts, origins = _all_of(scope, b"host"), _all_of(scope, b"origin")
    asked = _host_name(hosts[0]) if len(hosts) == 1 else None
    if asked not in names:
        served = ", ".join(sorted(names))
        return Refusal(
            421,
            f"These pages are served as {served}; this request asked for {', '.join(hosts)[:200]!a}. "
            "If that name is meant, start the dashboard with --allow-host and the name.",
        )
    if any(place_of(origin) != hosts[0].lower() for origin in origins):
        return Refusal(403, f"Requests of pages from elsewhere ({', '.join(origins)[:200]!a}) are not answered.")
    if scope.get("path", "").rstrip("/") in CLOSED:
        return Refusal(404, "There is no such page.")
    return None


def place_of(origin: str) -> str | None:
    """Return host and port of the page that sends a request, None where it has none, such as a page from a file."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return None
    return parts.netloc if parts.scheme in ("http", "https") and parts.netloc else None


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        is_plain = parts.port is None or parts.port > 0  # reading the port checks it
    except ValueError:
        return None
    is_plain &= "@" not in parts.netloc and not (parts.path or parts.query or parts.fragment)
    return parts.hostname.rstrip(".") if is_plain and parts.hostname else None


def _all_of(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for header, value in scope.get("headers", ()) if header.lower() == name]


def _closing(send: Send) -> Send:
    """Return how an answer is sent with the headers that keep it to itself; what the answer says itself stands."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            present = {header.lower() for header, _ in headers}
            added = ((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())
            message = {**message, "headers": [*headers, *(pair for pair in added if pair[0] not in present)]}
        await send(message)

    return sending
