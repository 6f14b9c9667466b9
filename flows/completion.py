"""What the shell offers on TAB: read from names of files, so that no key press waits for a database."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import typer

ROOT = Path(__file__).resolve().parent.parent
LAYER_NAMES = ("base", "temporal_vega", "second_engine")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def complete_layers(incomplete: str) -> list[str]:
    """Return the layers that begin so."""
    return _beginning(LAYER_NAMES, incomplete)


def complete_parts(incomplete: str) -> list[str]:
    """Return the layers, and the governor, that begin so."""
    return _beginning((*LAYER_NAMES, "governor"), incomplete)


def complete_sources(incomplete: str) -> list[str]:
    """Return the sources that begin so."""
    return _beginning(("sample", "archive", "cboe"), incomplete)


def complete_formats(incomplete: str) -> list[str]:
    """Return the formats of a query that begin so."""
    return _beginning(("table", "csv", "json", "parquet"), incomplete)


def complete_export_formats(incomplete: str) -> list[str]:
    """Return the formats of an export that begin so."""
    return _beginning(("parquet", "csv"), incomplete)


def complete_pages(incomplete: str) -> list[str]:
    """Return the pages that can be opened and begin so."""
    return _beginning(("report", "site", "audit", "sweep"), incomplete)


def complete_presets(incomplete: str) -> list[str]:
    """Return the shipped policies that begin so."""
    return _beginning(
        sorted(path.stem for path in (ROOT / "transforms" / "policy" / "presets").glob("*.toml")), incomplete
    )


def complete_policies(incomplete: str) -> list[str]:
    """Return what names a policy without being a file: ``adopted`` and the presets."""
    return ["adopted"] * "adopted".startswith(incomplete) + complete_presets(incomplete)


def complete_tables(incomplete: str) -> list[str]:
    """Return the tables that begin so, with or without their schema; columns only once nothing else does."""
    names = list(_table_names())
    bare = [name.partition(".")[2] for name in names]
    return _beginning(names, incomplete) or _beginning(dict.fromkeys(bare), incomplete) or _columns(incomplete)


def complete_schemas(incomplete: str) -> list[str]:
    """Return the schemas that begin so."""
    return _beginning(dict.fromkeys(name.partition(".")[0] for name in _table_names()), incomplete)


def complete_sessions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the sessions that have a report in the home of the command, the newest first."""
    from flows.homes import home_to_read

    given = ctx.params.get("home") or os.environ.get("ALVH_HOME")
    folder = home_to_read(Path(given) if given else None).reports
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    return _beginning(sorted((name for name in names if _DAY.fullmatch(name)), reverse=True), incomplete)


def _table_names() -> Iterable[str]:
    # `make docs` writes a heading a table, and a test keeps the page in step with the warehouse
    page = ROOT / "docs" / "data_dictionary.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    return re.findall(r"^### (\w+\.\w+)$", text, re.MULTILINE)


def _columns(incomplete: str) -> list[str]:
    text = (ROOT / "sql" / "columns.toml").read_text(encoding="utf-8")
    return _beginning(re.findall(r"^\[(\w+)\]$", text, re.MULTILINE), incomplete) if incomplete else []


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
