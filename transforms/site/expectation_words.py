"""What a Great Expectations result says, in words: table, column, and what was expected of it.

Results are stored with the name of the expectation and the text of its arguments. The arguments are read as the
literals they are; what cannot be read is shown as it stands, never guessed at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

_TIMESTAMP = re.compile(r"Timestamp\('(\d{4}-\d{2}-\d{2})[^']*'\)")


def split_name(check_name: str) -> tuple[str, str, str]:
    """Return table, column (empty for the whole table; several joined by a comma) and expectation of a result.

    Names are ``schema.table.column__expect_...`` or ``schema.table__expect_...``.
    """
    subject, _, kind = check_name.partition("__")
    schema, _, rest = subject.partition(".")
    table, _, column = rest.partition(".")
    return f"{schema}.{table}", column, kind


def say_expectation(kind: str, what: str) -> str:
    """Return what was expected in words.

    Parameters
    ----------
    kind
        Name of the expectation, ``expect_column_values_to_be_between``.
    what
        As stored: the name with spaces, followed by the arguments where there are any.
    """
    say = _WORDS.get(kind)
    arguments = _read_arguments(what)
    if say is None or arguments is None:
        return what
    return say(arguments)


def _read_arguments(what: str) -> Mapping[str, Any] | None:
    """Return the arguments in the text of an expectation; None where they cannot be read."""
    start = what.find("{")
    if start < 0:
        return {}
    try:
        found = ast.literal_eval(_TIMESTAMP.sub(r"'\1'", what[start:]))
    except (ValueError, SyntaxError):
        return None
    return found if isinstance(found, dict) else None


def _say_between(arguments: Mapping[str, Any], noun: str = "") -> str:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    bounds = (
        f"from {low} to {high}"
        if low is not None and high is not None
        else f"at least {low}"
        if low is not None
        else f"at most {high}"
    )
    return f"{noun}{bounds}"


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "expect_table_columns_to_match_ordered_list": lambda _: "has exactly the documented columns, in their order",
    "expect_table_row_count_to_be_between": lambda found: _say_between(found, "rows: "),
    "expect_column_values_to_be_unique": lambda _: "no value twice",
    "expect_compound_columns_to_be_unique": lambda _: "no combination twice",
    "expect_column_values_to_not_be_null": lambda _: "is never missing",
    "expect_table_column_types_to_match_registry": lambda _: "every column has its documented type",
    "expect_column_values_to_be_between": lambda found: _say_between(found, "every value "),
    "expect_column_values_to_be_in_set": lambda found: (
        "one of " + ", ".join(str(value) for value in found.get("value_set", []))
    ),
    "expect_column_max_to_be_between": lambda found: _say_between(found, "the newest one "),
}
