"""A program that speaks for a page cannot fill the server's memory with files; a reader's file is let in."""

import asyncio
from collections import Counter

import pytest

from dashboard import upload_limits
from dashboard.upload_limits import HeldFiles, UploadLimits

PATH = "/_stcore/upload_file/session-1/{}"


async def put(limits, path, method="PUT", kind="http"):
    answer = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        answer.append(message)

    await limits({"type": kind, "method": method, "path": path}, receive, send)
    return answer


def server(held, *, gate=None):
    """Stand for Streamlit, which keeps what it is given."""

    async def taking(scope, receive, send):
        if gate is not None:
            await gate.wait()
        held[scope["path"].split("/")[3]] += 1
        await send({"type": "http.response.start", "status": 204, "headers": []})

    return UploadLimits(taking, lambda session: HeldFiles(held[session], 1000 * sum(held.values())))


def test_of_twenty_thousand_files_of_a_page_a_handful_is_held_and_the_rest_refused_in_a_sentence():
    held = Counter()
    limits = server(held)

    async def flood():
        return [await put(limits, PATH.format(number)) for number in range(20_000)]

    answers = asyncio.run(flood())
    assert Counter(answer[0]["status"] for answer in answers) == {204: 16, 413: 20_000 - 16}
    assert held == {"session-1": 16}
    assert answers[-1][1]["body"] == b"This page holds 16 files already; take one back or load the page again."
    assert asyncio.run(put(limits, "/_stcore/upload_file/session-2/a"))[0]["status"] == 204


def test_all_pages_together_hold_no_more_than_there_is_room_for():
    limits = UploadLimits(None, lambda _: HeldFiles(0, upload_limits.MOST_MEGABYTES_HELD * 2**20))
    answer = asyncio.run(put(limits, PATH.format(1)))
    assert (answer[0]["status"], b"as many files as it has room for" in answer[1]["body"]) == (413, True)


def test_files_that_come_at_once_are_counted_before_they_are_held_and_make_room_again():
    async def at_once():
        held, gate = Counter(), asyncio.Event()
        limits = server(held, gate=gate)
        waiting = [asyncio.create_task(put(limits, PATH.format(number))) for number in range(10)]
        await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(*waiting)
        later = await put(limits, PATH.format("later"))
        return Counter(answer[0]["status"] for answer in answers), later[0]["status"]

    assert asyncio.run(at_once()) == ({204: upload_limits.MOST_COMING, 413: 10 - upload_limits.MOST_COMING}, 204)


@pytest.mark.parametrize(
    ("method", "kind", "path"),
    [("DELETE", "http", PATH.format(1)), ("GET", "http", "/"), (None, "websocket", "/_stcore/stream")],
)
def test_what_is_no_file_is_let_through_however_full_it_is(method, kind, path):
    reached = []

    async def pages(scope, receive, send):
        reached.append(scope["path"])

    asyncio.run(put(UploadLimits(pages, lambda _: HeldFiles(10**6, 10**12)), path, method, kind))
    assert reached == [path]
