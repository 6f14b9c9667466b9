"""Writing the pages around the session reports: index, compare view, checks, reference.

They are made from what is published and from the project's own texts, and can be deleted at any time. Each
file is whole or not at all; one whose content stays is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from transforms.site.checks_page import ChecksBody, build_checks, render_checks
from transforms.site.compare_page import render_compare
from transforms.site.documents import render_document
from transforms.site.index_page import NEWEST_REPORTS, render_index
from transforms.site.inputs import IndexInputs, ReportLink
from transforms.site.paths import is_page_of_its_own, page_of_document
from transforms.site.reference_pages import render_reference
from warehouse.home import Home, write_atomically
from warehouse.models import load_columns
from warehouse.site_data import list_audits, list_reports, list_sweeps, read_checked_run, read_history, read_tables
from warehouse.site_reference import (
    describe_macros,
    describe_tables,
    hash_reference,
    list_documents,
    list_pictures,
    title_of,
)

CHECKS_FILE = "checks.html"
_VERSION_FILE = "version.txt"


@dataclass(frozen=True)
class WrittenSite:
    """Where the site begins, and how many of its files were new or had changed."""

    index: Path
    written: int

    @property
    def sentence(self) -> str:
        """Say it in a line."""
        return f"{self.index}, {self.written} file{'' if self.written == 1 else 's'} written"


def write_site(connection: duckdb.DuckDBPyConnection, home: Home, sessions: Iterable[date] = ()) -> WrittenSite:
    """Write or refresh the site of a home.

    Parameters
    ----------
    connection
        The published warehouse.
    sessions
        Those whose report was just written: their checks are written anew. Reports without checks, for example of a
        run that was broken off, get theirs as well.

    Raises
    ------
    PipelineError
        If the disk does not take a file. Those written before stay; each is whole.
    """
    history = read_history(connection)
    tables = read_tables(connection)
    reports = list_reports(home, NEWEST_REPORTS)
    newest = history.days[-1] if history.days else None
    checked = read_checked_run(connection, newest)
    written = _write_reference(home, tables)
    body = build_checks(checked, is_simulated=history.is_simulated, tables=list(tables))
    written += _write_checks(home, body, reports, set(sessions))
    inputs = IndexInputs(history, reports, list_audits(home), list_sweeps(home), checked)
    index = home.reports / "index.html"
    written += _write(home.reports / "compare.html", render_compare(history))
    # last: whatever it links to is there
    written += _write(index, render_index(inputs))
    return WrittenSite(index, written)


def _write_checks(home: Home, body: ChecksBody, reports: Iterable[ReportLink], sessions: set[date]) -> int:
    written = int(_write(home.reports / "latest" / CHECKS_FILE, render_checks(body, None)))
    for report in reports:
        path = home.reports / report.day.isoformat() / CHECKS_FILE
        if report.day in sessions or not path.is_file():
            written += _write(path, render_checks(body, report.day))
    return written


def _write_reference(home: Home, tables: dict[str, list[tuple[str, str]]]) -> int:
    """Write the reference unless it was written from the same texts and columns."""
    folder = home.reports / "reference"
    documents, pictures = list_documents(), list_pictures()
    version = hash_reference(tables, documents | pictures)
    marker = folder / _VERSION_FILE
    if marker.is_file() and marker.read_text(encoding="utf-8").strip() == version:
        return 0
    facts = describe_tables(tables)
    titles = {path: title_of(path, text) for path, text in documents.items() if is_page_of_its_own(path)}
    pages = render_reference(facts, describe_macros(), load_columns(), titles)
    names = {table.name for table in facts}
    for path in titles:
        pages[page_of_document(path)] = render_document(
            path, documents[path], documents={*titles, *pictures}, tables=names
        )
    pages |= {page_of_document(path): text for path, text in pictures.items()}
    written = sum(_write(home.reports / page, text) for page, text in pages.items())
    for file in (path for path in folder.rglob("*") if path.suffix in (".html", ".svg")):
        # a table or document that is no more: a page that nobody links to would look as if it were true
        if file.relative_to(home.reports).as_posix() not in pages:
            file.unlink()
    # last, so that a run that was broken off writes all of it again
    return written + _write(marker, f"{version}\n")


def _write(path: Path, text: str) -> bool:
    """Write a file unless it says the same already. Return whether it was written."""
    content = text.encode("utf-8")
    try:
        if path.read_bytes() == content:
            return False
    except OSError:
        pass
    write_atomically(path, content)
    return True
