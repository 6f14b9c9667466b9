"""Nights that take a build which another test of the run had already: for what happens around a build.

A warehouse is a pure function of what :func:`warehouse.unchanged.compute_build_key` lists. Most nights of the tests
about faults build one of a few markets, so each is built once a run, by whichever worker comes first, and handed on
under the next night's name, with the list of its files. Only a book's instant is that of the night that built it. What
compares one build with another takes `QUICK`, which builds each time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date
from pathlib import Path
from unittest.mock import patch

import duckdb

from flows.night import Night
from flows.run import Steps
from tests.support.nights import QUICK, build_prepared
from tests.support.shared import SharedFolders
from warehouse.build import Built, open_build
from warehouse.hedge_states import PolicyInForce
from warehouse.home import Home
from warehouse.noted_revisions import note_restatements
from warehouse.raw_store import FileState, RawStore, StoredFile
from warehouse.run_log import find_whole
from warehouse.stored_tables import list_source_files
from warehouse.unchanged import compute_build_key


def known_steps(shared: SharedFolders) -> Steps:
    """Return the steps of a quick night that builds nothing which was built before in this test run."""

    def build(night: Night, policies: Sequence[PolicyInForce]) -> Built:
        def make(folder: Path) -> None:
            built = build_prepared(night, policies)
            shutil.move(built.path, folder / "built.duckdb")
            about = {"rows": built.rows, "last_session": built.last_session and str(built.last_session)}
            (folder / "built.json").write_text(json.dumps(about), encoding="utf-8")

        folder = shared.get(f"build-{_key_of(night, policies)}", make)
        shutil.copyfile(folder / "built.duckdb", night.build_path)
        # what a build has of its own night: its name, its files' instants, and what it restates of the one before
        with open_build(night.build_path) as connection:
            connection.execute("update ref.run set run_id = ?", [night.run_id])
            _name_files(connection, night.home)
            connection.execute("delete from ops.value_revisions")
            note_restatements(connection, find_whole(night.home), night.run_id)
        about = json.loads((folder / "built.json").read_text(encoding="utf-8"))
        last = about["last_session"]
        return Built(night.build_path, about["rows"], date.fromisoformat(last) if last else None)

    return replace(QUICK, build=build)


def _name_files(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    connection.register("files", list_source_files(home, RawStore(home).states()))
    connection.execute("delete from ops.source_files")
    connection.execute("insert into ops.source_files by name from files")
    connection.unregister("files")


def _key_of(night: Night, policies: Sequence[PolicyInForce]) -> str:
    """The key of all that the build reads, with the days instead of the instants at which files were fetched."""
    found = RawStore.states

    def states(store: RawStore) -> Iterator[tuple[str, str, FileState]]:
        for publisher, name, state in found(store):
            yield publisher, name, replace(state, versions=tuple(map(_by_day, state.versions)))

    with patch.object(RawStore, "states", states):
        key = compute_build_key(
            night.home,
            policies,
            today=night.now.astimezone(UTC).date(),
            due_session=night.due_session,
            is_simulated=night.is_simulated,
        )
    return f"{night.source}-{key}"


def _by_day(version: StoredFile) -> StoredFile:
    # The key believes the sidecar: a body that was damaged since is another one.
    body = hashlib.sha256(version.path.read_bytes()).hexdigest()
    return replace(version, sha256=body, fetched_at_utc=version.fetched_at_utc[:10])
