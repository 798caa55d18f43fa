"""The page of the phantoms in a real browser: what is waited for, and what is found in its pictures."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.dashboard.viewer_phantoms import PATIENCE_MS

expect.set_options(timeout=PATIENCE_MS)


def watched(page: Page, address: str) -> Page:
    page.set_default_timeout(PATIENCE_MS)
    page.emulate_media(reduced_motion="reduce")  # signs of waiting that move cost more than the viewer itself
    page.complaints, page.strangers = [], []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda r: None if _is_local(r.url, address) else page.strangers.append(r.url))
    return page


def _is_local(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))


FIND = """(canvas, grey) => {
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), xs = [], ys = [];
  for (let n = 0; n < data.length; n += 4)
    if (data[n + 3] === 255 && [0, 1, 2].every((c) => Math.abs(data[n + c] - grey) <= 2)) {
      xs.push((n / 4) % width); ys.push(Math.floor(n / 4 / width));
    }
  const middle = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const spread = (list) => list[Math.floor(0.9 * list.length)] - list[Math.floor(0.1 * list.length)];
  return { count: xs.length, x: middle(xs) / canvas.width, y: middle(ys) / canvas.height,
    wide: spread(xs), tall: spread(ys), scale: canvas.width / canvas.clientWidth };
}"""
RIGHT, ANTERIOR, SUPERIOR = 250, 180, 110


def found(page: Page, grey: int, pane: int = 0) -> dict:
    return page.locator("canvas").nth(pane).evaluate(FIND, grey)


RING = """(canvas) => {
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), xs = [], ys = [];
  for (let n = 0; n < data.length; n += 4)
    if (data[n] + data[n + 1] + data[n + 2] === 765 && data[n + 3] === 255) {
      xs.push((n / 4) % width); ys.push(Math.floor(n / 4 / width));
    }
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return { count: xs.length, wide: right - left, tall: bottom - top, x: (left + right) / 2, y: (top + bottom) / 2 };
}"""


def ring_on(canvas: Locator) -> dict:
    """What is drawn in pure white, as only rings are: number of pixels, size and middle."""
    return canvas.evaluate(RING)


def settled(page: Page, text: str) -> None:
    expect(page.locator("output.where")).to_contain_text(text)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
