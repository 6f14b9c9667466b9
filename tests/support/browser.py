"""A real browser for the tests: Debian's Chromium, driven by playwright, with no network but this machine's disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

Scheme = Literal["light", "dark"]
PHONE, DESK = 390, 1440
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

OVERFLOWING = """
() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => {
    for (let parent = element.parentElement; parent; parent = parent.parentElement) {
      if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(parent).overflowX)) return true;
    }
    return false;
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const box = element.getBoundingClientRect();
    if (box.width > 0 && box.right > width + 1 && !scrolls(element)) {
      found.push(`${element.tagName.toLowerCase()}.${element.getAttribute('class') || ''}: ends at ${box.right}`);
    }
  }
  if (document.documentElement.scrollWidth > width) found.push(`page: ${document.documentElement.scrollWidth}`);
  return found;
}
"""
"""What sticks out of the window and cannot be scrolled by itself."""

FAINT = """
() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const known = new Map();
  const parse = (colour) => {
    if (!known.has(colour)) known.set(colour, read(colour));
    return [...known.get(colour)];
  };
  const read = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat([1]);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
    && getComputedStyle(document.documentElement).colorScheme.includes('dark');
  const grounds = new Map();
  const ground = (element) => {
    if (!element) return parse(dark ? 'rgb(18, 18, 18)' : 'white');
    if (!grounds.has(element)) {
      const own = parse(getComputedStyle(element).backgroundColor);
      grounds.set(element, own[3] === 1 ? own : over(own, ground(element.parentElement)));
    }
    return grounds.get(element);
  };
  const solidity = new Map();
  const opacity = (element) => {
    if (!element) return 1;
    if (!solidity.has(element)) {
      solidity.set(element, Number(getComputedStyle(element).opacity) * opacity(element.parentElement));
    }
    return solidity.get(element);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = new Map();
  let looked = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (['SCRIPT', 'STYLE', 'TITLE', 'DESC'].includes(element.tagName)) continue;
    if (!texts.currentNode.textContent.trim()) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (style.visibility === 'hidden' || box.width < 2 || box.height < 2 || element.closest(':disabled')) continue;
    looked += 1;
    const inSvg = element.namespaceURI === 'http://www.w3.org/2000/svg';
    const below = ground(inSvg ? element.closest('svg').parentElement : element);
    const ink = parse(inSvg ? style.fill : style.color);
    ink[3] *= opacity(element);
    const ratio = contrast(over(ink, below), below);
    const pixels = parseFloat(style.fontSize);
    const large = pixels >= 24 || (pixels >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5) - 0.01) {
      const key = `${inSvg ? style.fill : style.color} on ${below.slice(0, 3).map(Math.round)}`;
      found.set(key, `${ratio.toFixed(2)} ${key}: "${texts.currentNode.textContent.trim().slice(0, 40)}"`);
    }
  }
  return { looked, faint: [...found.values()] };
}
"""
"""Text whose contrast is below WCAG 2.2 AA (1.4.3): 4.5, and 3 where the text is large."""

UNNAMED = """
() => [...document.querySelectorAll('svg, img, button, input, select, a[href]')].filter((element) => {
  if (element.closest('[aria-hidden="true"]') || !element.getClientRects().length) return false;
  if (element.parentElement.closest('svg')) return false;
  const texts = (ids) => ids.split(' ').map((id) => document.getElementById(id)?.textContent || '').join('');
  const name = element.getAttribute('aria-label') || element.getAttribute('alt') || element.getAttribute('title')
    || (element.labels && element.labels.length && element.labels[0].textContent)
    || texts(element.getAttribute('aria-labelledby') || '')
    || (element.tagName === 'svg' ? element.querySelector(':scope > title')?.textContent : element.textContent);
  return !(name || '').trim();
}).map((element) => element.outerHTML.slice(0, 120))
"""
"""Pictures, links and controls that a screen reader has no name for."""


@dataclass
class Look:
    """A page that is open in the browser, with what went wrong while it loaded.

    Attributes
    ----------
    page
        The page, loaded and settled.
    complaints
        Errors of its console and scripts, and requests that failed or left this machine's disk.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)

    def turn(self, width: int, scheme: Scheme) -> None:
        """Show the same page in a window of this width, light or dark."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)

    def unfold(self) -> None:
        """Open every part that is folded."""
        self.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")

    def overflowing(self) -> list[str]:
        """Elements that stick out of the window."""
        found: list[str] = self.page.evaluate(OVERFLOWING)
        return found

    def faint(self) -> list[str]:
        """Text of too little contrast; raises where there is no text at all to look at."""
        found: dict[str, Any] = self.page.evaluate(FAINT)
        assert found["looked"] > 0, "no text was looked at"
        faint: list[str] = found["faint"]
        return faint

    def unnamed(self) -> list[str]:
        """Pictures, links and controls without a name."""
        found: list[str] = self.page.evaluate(UNNAMED)
        return found


def find_chromium() -> str | None:
    """Return the browser's path: ALVH_CHROMIUM, or a usual name on the PATH."""
    named = os.environ.get("ALVH_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def start_chromium(path: str) -> Iterator[Browser]:
    """Run the browser until the block ends. It gets no network: a page that asks for any is seen by `open_page`."""
    with sync_playwright() as playwright:
        # no sandbox: as root, which a container's user often is, Chromium refuses to start with one
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, address: str, width: int, scheme: Scheme) -> Iterator[Look]:
    """Open a page in a window of its own."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        page = context.new_page()
        look = Look(page)
        _listen(page, look.complaints)
        page.goto(address, wait_until="load")
        yield look
    finally:
        context.close()


def _listen(page: Page, complaints: list[str]) -> None:
    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def watch(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "about:")):
            complaints.append(f"asks {request.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.on("request", watch)


def save_screenshot(look: Look, folder: Path, name: str) -> Path:
    """Keep what the page looks like, from its top to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    look.page.screenshot(path=path, full_page=True)
    return path
