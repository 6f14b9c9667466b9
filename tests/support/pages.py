"""Reading the documentation: its code blocks, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(page: Path) -> str:
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, kind: str) -> list[str]:
    """The code blocks of one language, in order."""
    return [body for found, body in FENCE.findall(read(page)) if found == kind]


def console_lines(page: Path) -> Iterator[str]:
    """The commands of a page, without their prompt; one whose quotation goes on in the next lines is whole."""
    for body in blocks(page, "console"):
        lines = iter(body.splitlines())
        for line in lines:
            if line.startswith("$ "):
                command = line[2:]
                while command.count('"') % 2:
                    command += "\n" + next(lines)
                yield command


def prose(page: Path) -> str:
    """The text without its code blocks."""
    return FENCE.sub("", read(page))


def anchors(page: Path) -> set[str]:
    """What a link can lead to inside a page: its headings, as GitHub names them, a second one of a name with -1."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        anchor = plain = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        number = 0
        while anchor in found:
            number += 1
            anchor = f"{plain}-{number}"
        found.add(anchor)
    return found
