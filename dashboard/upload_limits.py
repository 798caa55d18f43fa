"""How many files somebody may bring before the server has read them: they lie in its memory until their page is closed.

A disc that is dropped unpacked is a thousand files, an archive of it half a gigabyte; a program that speaks for a page
could send more than there is room for. Refused here, before a file is taken in. How large one file may be is a setting
of Streamlit's, which it holds to as the bytes come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from dashboard.guard import Application, Receive, Scope, Send

PATH = "/_stcore/upload_file/"
MOST_FILES = 3000
"""Files of one open page; each that was put on record or taken back makes room."""
MOST_FILE_MEGABYTES = 500
MOST_MEGABYTES_HELD = 1024
"""Of all pages together, with what is on its way."""
MOST_COMING = 4
"""Files that are taken in at once, from whomever; others wait for their turn."""
MOST_WAITING = 64
"""A browser sends six at once."""
MOST_LET_GO = 2**20
"""Bytes of a refused file that are waited for."""


@dataclass(frozen=True)
class HeldFiles:
    """Files that the server holds: how many of one session, and how many bytes of all sessions."""

    session_count: int
    total_bytes: int


class UploadLimits:
    """Lets a file in while there is room for it (an ASGI application).

    Parameters
    ----------
    application
        Serves what is let through.
    held
        Tells what the server holds, given the session that a file is for.
    """

    def __init__(self, application: Application, held: Callable[[str], HeldFiles]) -> None:
        self.application = application
        self.held = held
        self.coming_bytes = 0
        self.waiting = 0
        self.turn = asyncio.Semaphore(MOST_COMING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or scope.get("method") != "PUT" or PATH not in path:
            await self.application(scope, receive, send)
            return
        size = _said_size(scope)
        sentence = self._no_room(path.split(PATH, 1)[1].split("/", maxsplit=1)[0], size)
        if sentence is not None:
            await let_go(receive)
            body = sentence.encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 413, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        self.coming_bytes += size
        self.waiting += 1
        try:
            async with self.turn:
                await self.application(scope, receive, send)
        finally:
            self.coming_bytes -= size
            self.waiting -= 1

    def _no_room(self, session_id: str, size: int) -> str | None:
        files = self.held(session_id)
        if files.session_count >= MOST_FILES:
            return f"This page holds {MOST_FILES} files already; look through them first, or bring a zip archive."
        if files.total_bytes + self.coming_bytes + size > MOST_MEGABYTES_HELD * 2**20 or self.waiting >= MOST_WAITING:
            return "The server holds as many files as it has room for; close pages that are done, then try again."
        return None


def _said_size(scope: Scope) -> int:
    """Return how many bytes a request says it brings; where it does not say, as many as one file may have."""
    length = dict(scope.get("headers", ())).get(b"content-length", b"")
    return int(length) if length.isdigit() else MOST_FILE_MEGABYTES * 2**20


async def let_go(receive: Receive) -> None:
    """Take what comes of a refused file and forget it: who is still sending does not hear a refusal."""
    taken = 0
    while taken < MOST_LET_GO:
        message = await receive()
        taken += len(message.get("body", b""))
        if not message.get("more_body", False):
            return
