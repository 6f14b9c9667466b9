"""What tonight's files restate, noted in the build for the checks that judge how much it is."""

from __future__ import annotations

from pathlib import Path

import duckdb

from warehouse.revisions import REVISION_KEYS, compare_with_published
from warehouse.tables import fill
from warehouse.version import built_by, this_code


def note_restatements(connection: duckdb.DuckDBPyConnection, published: Path | None, run_id: str) -> None:
    """Fill ``ops.value_revisions`` of a build with what it changes of the published warehouse.

    What other code published may differ because of the code, which is no publisher's doing and is listed by
    ``alvh upgrades``: then only sessions are noted that are gone, because no code takes one away. The night fills the
    table again, with the instant, and the revisions of the runs before.

    Parameters
    ----------
    published
        The whole warehouse published before, or None.
    """
    revisions = compare_with_published(connection, published, run_id, None).revisions
    if published is not None and revisions and not _is_of_this_code(published):
        row = connection.execute("select max(trade_date)::varchar from core.daily_vx_settlements").fetchone()
        newest = (row[0] if row else None) or ""
        revisions = [
            revision for revision in revisions if revision["new_value"] is None and revision["trade_date"] > newest
        ]
    fill(connection, "ops.value_revisions", [[revision[key] for key in REVISION_KEYS] for revision in revisions])


def _is_of_this_code(published: Path) -> bool:
    with duckdb.connect(str(published), read_only=True) as connection:
        return built_by(connection).sha256 == this_code().sha256
