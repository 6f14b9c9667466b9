"""A TOML file that a person wrote: parsed, with a line for every key, and read key by key.

Nothing is guessed and nothing is ignored: an unknown key is refused with the nearest known one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from transforms.errors import UsageError
from transforms.toml_lines import line_of, locate
from transforms.wording import nearest

LARGEST_FILE = 256 * 1024
"""Characters; the longest shipped policy has about 10,000."""
_LONGEST_TEXT = 1_000
_LINE_IN_MESSAGE = re.compile(r"at line (\d+)")


@dataclass(frozen=True)
class TomlFile:
    """The text of a TOML file and its name; a kind of file names itself and its error.

    Attributes
    ----------
    kind
        What the file is, in the words of an error.
    error
        The error of whatever cannot be used in it.
    way_out
        What to do with a file that cannot be read.
    """

    kind: ClassVar[str] = "file"
    error: ClassVar[type[UsageError]] = UsageError
    way_out: ClassVar[str] = "mend it"

    text: str
    where: str

    def tables(self) -> dict[str, Any]:
        """Parse the TOML.

        Raises
        ------
        UsageError
            If it is not TOML, states something twice, or is too large; with the line.
        """
        if len(self.text) > LARGEST_FILE:
            raise self.error(
                f"the {self.kind} is too large",
                where=self.where,
                found=f"{len(self.text):,} characters",
                expected=f"at most {LARGEST_FILE:,}",
            )
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            line = _LINE_IN_MESSAGE.search(str(error))
            number = int(line.group(1)) if line else self.text.count("\n") + 1
            is_twice = "overwrite" in str(error) or "twice" in str(error) or "Cannot declare" in str(error)
            raise self.error(
                "a key or table stands in the file twice" if is_twice else f"the {self.kind} is not valid TOML",
                where=f"{self.where}:{number}",
                found=str(error),
                expected="each key and table once" if is_twice else "TOML 1.0",
                next_step="remove one of the two" if is_twice else f"mend the line, or {self.way_out}",
            ) from None
        except (RecursionError, ValueError) as error:  # brackets without end, a number of thousands of digits
            raise self.error(
                f"the {self.kind} cannot be read",
                where=self.where,
                found=str(error)[:200],
                expected="tables of texts and numbers",
                next_step=self.way_out,
            ) from None

    @cached_property
    def lines(self) -> dict[tuple[str, ...], int]:
        """Line of each table and key, once the TOML is known to be valid."""
        return locate(self.text)

    def place(self, path: tuple[str, ...]) -> str:
        """Return ``file:line (key)`` of a key, or of the nearest table around it."""
        line = line_of(self.lines, path)
        key = f" ({dotted(path)})" if path else ""
        return f"{self.where}:{line}{key}" if line else f"{self.where}{key}"


def dotted(path: tuple[str, ...]) -> str:
    """Return a path as it is written: ``condor.legs[2].strike``."""
    return ".".join(path).replace(".[", "[")


def show_value(value: object) -> str:
    """Return a value as an error quotes it: at most 80 characters, whatever it is."""
    try:
        return repr(value)[:80]
    except (ValueError, RecursionError):  # a number of thousands of digits, written in hexadecimal
        return "a value too long to show"


@dataclass(frozen=True)
class TomlReader:
    """Reads the values of a file; each method takes the path of the table, its content and the key."""

    source: TomlFile
    largest_number: ClassVar[float] = 1e15

    def check_keys(
        self,
        path: tuple[str, ...],
        body: Any,
        required: Iterable[str],
        optional: Iterable[str] = (),
        *,
        what: str = "key",
    ) -> None:
        """Refuse a body that is no table, an unknown key, and a missing one."""
        if not isinstance(body, dict):
            self.fail(path, f"{dotted(path)} is not a table", found=show_value(body), expected="a table of keys")
        required = tuple(required)
        known = (*required, *optional)
        for key in body:
            if key not in known:
                self.fail(
                    (*path, key),
                    f"unknown {what} {key!r}" + (f" in [{dotted(path)}]" if path else ""),
                    found=key,
                    expected=nearest(key, known, ", ".join(known)),
                    next_step=f"known here: {', '.join(known)}",
                )
        for key in required:
            if key not in body:
                place = f"[{dotted(path)}]" if path else "the file"
                self.fail(path, f"{place} has no {key!r}", expected=", ".join(required))

    def table(self, path: tuple[str, ...], body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Return a table inside a table."""
        found = body[key]
        if not isinstance(found, dict):
            self.fail((*path, key), f"{key} is not a table", found=show_value(found), expected=f"[{key}....]")
        return found

    def text(
        self, path: tuple[str, ...], body: Mapping[str, Any], key: str, *, longest: int | None = _LONGEST_TEXT
    ) -> str:
        """Return a text with its spaces evened out."""
        found = body[key]
        if not isinstance(found, str):
            self.fail((*path, key), f"{key} is not a text", found=show_value(found), expected='a text in "quotes"')
        even = " ".join(found.split()) if longest is not None else found
        if not even.strip() or (longest is not None and len(even) > longest) or not _is_printable(even):
            self.fail(
                (*path, key),
                f"{key} is not a readable text",
                found=f"{len(even)} characters",
                expected=f"1 to {longest or LARGEST_FILE} printable characters",
            )
        return even

    def number(self, path: tuple[str, ...], body: Mapping[str, Any], key: str) -> float:
        """Return a finite number."""
        found = body[key]
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        # The size first, and so that what is no number fails it: an endless integer has no float to ask.
        if not is_number or not abs(found) <= self.largest_number:
            self.fail(
                (*path, key),
                f"{key} is not a number",
                found=show_value(found),
                expected=f"a number without quotes, at most {self.largest_number:g}",
            )
        return float(found) + 0.0  # -0.0 is 0.0

    def flag(self, path: tuple[str, ...], body: Mapping[str, Any], key: str) -> bool:
        """Return true or false."""
        found = body[key]
        if not isinstance(found, bool):
            self.fail((*path, key), f"{key} is not true or false", found=show_value(found), expected="true or false")
        return found

    def fail(
        self, path: tuple[str, ...], what: str, *, expected: str, found: str | None = None, next_step: str | None = None
    ) -> NoReturn:
        """Raise, with the place of ``path``."""
        raise self.source.error(
            what, where=self.source.place(path), found=found, expected=expected, next_step=next_step
        )


def _is_printable(text: str) -> bool:
    return all(sign.isprintable() or sign in "\r\n\t" for sign in text)
