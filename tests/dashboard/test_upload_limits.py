"""A program that speaks for a page cannot fill the server's memory with files; a reader's file is let in."""

import asyncio
from collections import Counter

import pytest

from dashboard import upload_limits
from dashboard.upload_limits import HeldFiles, UploadLimits

PATH = "/_stcore/upload_file/session-1/{}"


async def put(limits, path, method="PUT", kind="http", size=500_000):
    answer = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        answer.append(message)

    headers = [] if size is None else [(b"content-length", b"%d" % size)]
    await limits({"type": kind, "method": method, "path": path, "headers": headers}, receive, send)
    return answer


def server(held, *, gate=None):
    """Stand for Streamlit, which keeps what it is given; ``held["most at once"]`` is how many it took in at once."""
    at_once = Counter()

    async def taking(scope, receive, send):
        if gate is not None:
            at_once["now"] += 1
            held["most at once"] = max(held["most at once"], at_once["now"])
            await gate.wait()
            at_once["now"] -= 1
        held[scope["path"].split("/")[3]] += 1
        await send({"type": "http.response.start", "status": 204, "headers": []})

    return UploadLimits(taking, lambda session: HeldFiles(held[session], 1000 * held["session-1"]))


def test_of_twenty_thousand_files_of_a_page_as_many_as_a_disc_has_are_held_and_the_rest_refused_in_a_sentence():
    held, most = Counter(), upload_limits.MOST_FILES
    limits = server(held)

    async def flood():
        return [await put(limits, PATH.format(number)) for number in range(20_000)]

    answers = asyncio.run(flood())
    assert Counter(answer[0]["status"] for answer in answers) == {204: most, 413: 20_000 - most}
    assert held == {"session-1": most}
    assert answers[-1][1]["body"].startswith(b"This page holds 3000 files already; look through them first")
    assert asyncio.run(put(limits, "/_stcore/upload_file/session-2/a"))[0]["status"] == 204


def test_all_pages_together_hold_no_more_than_there_is_room_for():
    limits = UploadLimits(None, lambda _: HeldFiles(0, upload_limits.MOST_MEGABYTES_HELD * 2**20))
    answer = asyncio.run(put(limits, PATH.format(1)))
    assert (answer[0]["status"], b"as many files as it has room for" in answer[1]["body"]) == (413, True)


def come_at_once(count, size):
    """Send files at once; return how they were answered, how many were taken in at once, and a later one's answer."""

    async def sending():
        held, gate = Counter(), asyncio.Event()
        limits = server(held, gate=gate)
        coming = [asyncio.create_task(put(limits, PATH.format(number), size=size)) for number in range(count)]
        await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(*coming)
        later = await put(limits, PATH.format("later"))
        return Counter(answer[0]["status"] for answer in answers), held["most at once"], later[0]["status"]

    return asyncio.run(sending())


def test_the_files_of_a_folder_come_at_once_and_wait_for_their_turn():
    assert come_at_once(30, 500_000) == ({204: 30}, upload_limits.MOST_COMING, 204)


@pytest.mark.parametrize("size", [500 * 2**20, None])
def test_files_on_their_way_are_counted_before_they_are_held_and_make_room_again(size):
    assert come_at_once(10, size) == ({204: 2, 413: 8}, 2, 204)


def test_a_program_does_not_let_thousands_wait():
    most = upload_limits.MOST_WAITING
    assert come_at_once(200, 10) == ({204: most, 413: 200 - most}, upload_limits.MOST_COMING, 204)


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
