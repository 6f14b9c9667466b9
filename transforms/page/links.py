"""Where the pages of a home's reports lie, seen from a page in ``reports/<session>/``."""

from __future__ import annotations

REFERENCE_FOLDER = "../reference"
"""Pages of the tables: the dictionary of their columns, their SQL, the way to their sources."""
INDEX_PAGE = "../index.html"
CHECKS_PAGE = "checks.html"


def reference_href(table: str, column: str = "") -> str:
    """Return the link to a table's page, or to one of its columns there.

    Parameters
    ----------
    table
        With its schema: ``mart.daily_term_structure``.
    column
        A column of it.
    """
    return f"{REFERENCE_FOLDER}/{table}.html{f'#{column}' if column else ''}"
