"""Where a file of the repository lies on the site: one rule for pages, links and tests."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

REFERENCE = "reference"
_DICTIONARY = "docs/data_dictionary.md"
_COLUMNS = "sql/columns.toml"
_MACROS = "sql/macros/"
_MODEL = re.compile(r"sql/(\w+)/(\w+)\.sql")


def page_of_document(path: str) -> str:
    """Return the page of a Markdown file, or the copy of a drawing, relative to ``reports/``.

    The data dictionary has no page of its own: the reference is its longer form.
    """
    if path == _DICTIONARY:
        return f"{REFERENCE}/index.html"
    page = f"{path.removesuffix('.md')}.html" if path.endswith(".md") else path
    for folder, target in (("docs/data_sources/", "sources/"), ("docs/", "docs/")):
        if page.startswith(folder):
            return f"{REFERENCE}/{target}{page.removeprefix(folder)}"
    # the README of the repository is another one than that of docs/
    return f"{REFERENCE}/{page}"


def page_of_table(table: str) -> str:
    """Return the page of a table, relative to ``reports/``."""
    return f"{REFERENCE}/{table}.html"


def page_of_file(path: str, documents: Collection[str], tables: Collection[str]) -> str | None:
    """Return where a file of the repository is shown on the site, relative to ``reports/``; None where it is not."""
    if path in documents or path == _DICTIONARY:
        return page_of_document(path)
    if path == _COLUMNS:
        return f"{REFERENCE}/index.html"
    if path.startswith(_MACROS) and path.endswith(".sql"):
        return f"{REFERENCE}/index.html#macros"
    model = _MODEL.fullmatch(path)
    if model is not None and f"{model[1]}.{model[2]}" in tables:
        return f"{page_of_table(f'{model[1]}.{model[2]}')}#made-by"
    return None


def is_page_of_its_own(path: str) -> bool:
    """Say whether a Markdown file is printed as a page."""
    return path != _DICTIONARY


def way_up(page: str) -> str:
    """Return the way from a page's folder to ``reports/``: as many ``../`` as it is deep."""
    return "../" * page.count("/")


def relative(page: str, target: str) -> str:
    """Return a link from one page to another, both relative to ``reports/``."""
    path, mark, anchor = target.partition("#")
    return posixpath.relpath(path, posixpath.dirname(page) or ".") + mark + anchor


def resolve(document: str, link: str) -> str:
    """Return the repository path that a relative link of a document leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(document), link))
