"""What holds of a home whatever happened to it: asserted after a kill, a power cut, a full disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import duckdb

from tests.support.nights import VALUES
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.raw_store import RawStore
from warehouse.status import read_status

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Held:
    """What a home holds.

    Attributes
    ----------
    run_id, values
        Of the published warehouse; None and nothing where there is none.
    versions
        Publisher, name and SHA-256 of every stored version whose bytes are those.
    """

    run_id: str | None
    values: Rows
    versions: frozenset[tuple[str, str, str]]


def read_held(home: Home) -> Held:
    """Read what a home holds; whatever is published has to open."""
    run_id, values = None, []
    if home.published.exists():
        with duckdb.connect(str(home.published), read_only=True) as connection:
            ((run_id,),) = connection.execute("select run_id from ref.run").fetchall()
            values = connection.execute(VALUES).fetchall()
    return Held(run_id, values, read_versions(home))


def read_versions(home: Home) -> frozenset[tuple[str, str, str]]:
    """Read every stored version; its bytes have to be those of its name and sidecar."""
    found = set()
    for publisher, name, state in RawStore(home).states():
        for version in state.versions:
            assert hashlib.sha256(version.path.read_bytes()).hexdigest() == version.sha256, version.path
            found.add((publisher, name, version.sha256))
    return frozenset(found)


def assert_readable(home: Home) -> dict[str, Any]:
    """Read whatever a reader may read: reports, records, the status, which is returned."""
    for path in [*home.reports.rglob("*.json"), *home.runs.glob("*.json")]:
        json.loads(path.read_text(encoding="utf-8"))
    for path in home.reports.rglob("*.html"):
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>"), path
    for path in home.reports.rglob("*.md"):
        assert path.read_text(encoding="utf-8").strip(), path
    return read_status(home)


def last_run(status: dict[str, Any]) -> tuple[str, str, str]:
    """Return name, outcome and sentence of the last run of a status."""
    run = status["last_runs"][-1]
    return run["run_id"], run["outcome"], run["sentence"]


def unsound(home: Home) -> list[str]:
    """Return what `alvh verify` finds wrong, but for raw files beside the list of them in the published warehouse.

    A build that was made in another home lists the same bytes as fetched at other instants. The bytes themselves:
    `read_versions`.
    """
    findings = verify_home(home).findings
    return [f"{one.area}: {one.what}, {one.where}" for one in findings if one.is_error and one.area != "raw"]


def leftovers(home: Home) -> list[str]:
    """Return what nights left in the build folder, but for the empty file that stands in for formats without one."""
    return sorted(path.name for path in home.build.iterdir() if path.name != "no-file.txt")
