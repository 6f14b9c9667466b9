"""Reading the dated reference tables: TOML in, an error that names the entry when one cannot be right."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from importlib.resources import files
from typing import Any

from transforms.errors import PipelineError

_SATURDAY = 5


def read_table(name: str) -> dict[str, Any]:
    """Return the shipped table ``transforms/events/<name>.toml`` as TOML gives it."""
    return tomllib.loads(files("transforms.events").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def entry_error(table: str, entry: str, found: str, expected: str) -> PipelineError:
    """Return the error for an entry of a reference table that cannot be right."""
    return PipelineError(
        f"the reference table {table} has an entry that cannot be right: {entry}",
        where=f"transforms/events/{table}.toml",
        found=found,
        expected=expected,
        next_step="correct the entry from the source named in the table",
    )


def day_of(body: Mapping[str, Any], key: str, table: str, entry: str) -> date:
    """Return the day under ``key``: a TOML date, not an instant and not text."""
    found = optional_day_of(body, key, table, entry)
    if found is None:
        raise entry_error(table, entry, f"no {key}", "a date")
    return found


def optional_day_of(body: Mapping[str, Any], key: str, table: str, entry: str) -> date | None:
    """Return the day under ``key``, or None where the entry has none."""
    found = body.get(key)
    if found is not None and (not isinstance(found, date) or isinstance(found, datetime)):
        raise entry_error(table, entry, f"{key} = {found!r}", "a date")
    return found


def text_of(body: Mapping[str, Any], key: str, table: str, entry: str) -> str:
    """Return the text under ``key``, which must say something."""
    found = body.get(key)
    if not isinstance(found, str) or not found.strip():
        raise entry_error(table, entry, f"{key} = {found!r}", "a text")
    return found


def refuse_unknown_keys(body: Mapping[str, Any], known: set[str], table: str, entry: str) -> None:
    """Raise if the entry has a key that no loader reads: a typo must not become a NULL."""
    unknown = sorted(set(body) - known)
    if unknown:
        raise entry_error(table, entry, f"unknown keys {unknown}", str(sorted(known)))


def is_weekday(day: date) -> bool:
    """Say whether a day is Monday to Friday. Exchange holidays count: agencies release on some of them."""
    return day.weekday() < _SATURDAY
