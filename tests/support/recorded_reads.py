"""What the tables that no model makes are made of: every query of their makers, written down while they run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

_TABLE = re.compile(r"\b(?:stg|core|mart|ref|ops)\.\w+")
_MAKERS = {
    "warehouse/calibrations.py": "warehouse.build.write_weekly_calibrations",
    "warehouse/hedge.py": "warehouse.build.build_hedge",
    "warehouse/book.py": "warehouse.hedge.build_book_tables",
}
"""Where each maker is called, by the file that names it; the book is made inside the hedge and counts apart."""


class _Listening:
    """A connection that writes down the tables its queries name."""

    def __init__(self, connection: Any, heard: set[str]) -> None:
        self._connection = connection
        self._heard = heard

    def execute(self, sql: str, *values: Any) -> Any:
        self._heard.update(_TABLE.findall(sql))
        return self._connection.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@contextmanager
def recorded_reads() -> Iterator[dict[str, set[str]]]:
    """Build a warehouse inside of it: tables named in the queries of each maker, by the maker's file."""
    heard: dict[str, set[str]] = {file: set() for file in _MAKERS}

    def listening(make: Callable[..., Any], file: str) -> Callable[..., Any]:
        def run(connection: Any, *more: Any, **named: Any) -> Any:
            return make(_Listening(getattr(connection, "_connection", connection), heard[file]), *more, **named)

        return run

    with ExitStack() as stack:
        for file, place in _MAKERS.items():
            module, _, name = place.rpartition(".")
            made = __import__(module, fromlist=[name])
            stack.enter_context(patch(place, listening(getattr(made, name), file)))
        yield heard
