"""Where in a TOML text a table or a key stands. ``tomllib`` does not say, and an error should."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]

_BARE = r"[A-Za-z0-9_-]+"
_QUOTED = r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'"
_KEY = rf"(?:{_BARE}|{_QUOTED})(?:[ \t]*\.[ \t]*(?:{_BARE}|{_QUOTED}))*"
_HEADER = re.compile(rf"^[ \t]*(\[\[?)[ \t]*({_KEY})[ \t]*\]")
_ASSIGNMENT = re.compile(rf"^[ \t]*({_KEY})[ \t]*=(.*)$")
# what can hide a quote, a bracket or a hash: whole strings and comments are passed over in one piece
_PIECE = re.compile(r'"""|\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#.*|[\[\]{}]')


def locate(text: str) -> dict[Path, int]:
    """Return the line (from 1) of each table header and each key of a TOML text that ``tomllib`` accepts.

    A table that is only implied by a longer header has the line of the first header below it. The second ``[[a.b]]``
    and its keys stand under ``("a", "b", "[2]")``; ``("a", "b")`` is the first one.
    """
    found: dict[Path, int] = {}
    lists: dict[Path, int] = {}
    table: Path = ()
    quote: str | None = None
    depth = 0
    for number, line in enumerate(text.split("\n"), start=1):
        rest = line
        if quote is None and depth == 0:
            header = _HEADER.match(line)
            assignment = None if header else _ASSIGNMENT.match(line)
            if header:
                table = _inside(_path(header.group(2)), lists, is_entry=header.group(1) == "[[")
                _note(found, table, number)
                continue
            if not assignment:
                continue
            _note(found, table + _path(assignment.group(1)), number)
            rest = assignment.group(2)
        quote, depth = _after(rest, quote, depth)
    return found


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """Return the line of a key, else of the nearest table around it."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def entry(number: int) -> str:
    """Name, in a path, of an entry of a list of tables; the first is 1."""
    return f"[{number}]"


def _inside(names: Path, lists: dict[Path, int], *, is_entry: bool) -> Path:
    """Path of a header, with the number of the entry of each list of tables it leads through."""
    path: Path = ()
    for position, name in enumerate(names, start=1):
        path = (*path, name)
        if is_entry and position == len(names):
            lists[path] = lists.get(path, 0) + 1
        if path in lists:
            path = (*path, entry(lists[path]))
    return path


def _note(found: dict[Path, int], path: Path, number: int) -> None:
    for length in range(1, len(path) + 1):
        found.setdefault(path[:length], number)


def _path(key: str) -> Path:
    """Names of a dotted key, as ``tomllib`` itself reads them."""
    try:
        held: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:  # not a key: nothing to point at
        return (key,)
    names = []
    while isinstance(held, dict):
        ((name, held),) = held.items()
        names.append(name)
    return tuple(names)


def _after(rest: str, quote: str | None, depth: int) -> tuple[str | None, int]:
    """Follow a value over the rest of a line: the open triple quote, if any, and the open brackets."""
    position = 0
    while position < len(rest):
        if quote is not None:
            end = _closing(rest, quote, position)
            if end is None:
                return quote, depth
            position, quote = end, None
            continue
        piece = _PIECE.search(rest, position)
        if piece is None:
            break
        position = piece.end()
        sign = piece.group()
        if sign in ('"""', "'''"):
            quote = sign
        elif sign in ("[", "{"):
            depth += 1
        elif sign in ("]", "}"):
            depth -= 1
    return quote, depth


def _closing(rest: str, quote: str, position: int) -> int | None:
    pattern = r'(?:[^"\\]|\\.|"(?!""))*"{3,5}' if quote == '"""' else r"(?:[^']|'(?!''))*'{3,5}"
    match = re.compile(pattern).match(rest, position)
    return match.end() if match else None
