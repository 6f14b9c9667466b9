"""The results of a sweep: chunks put together, judged, and written as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transforms.sweep.grid import Expansion, Grid
from warehouse.home import write_atomically
from warehouse.sweep_paths import load_path
from warehouse.sweep_store import Chunk, SweepFolder, is_done, read_failure, read_manifest, read_rows, write_parquet


@dataclass(frozen=True)
class SweptPath:
    """A path of a sweep: number 0 is the published history, the others are simulated markets by seed."""

    number: int
    seed: int | None


@dataclass(frozen=True)
class WrittenSweep:
    """Where a sweep lies, and what it says."""

    html: Path
    parquet: Path
    record: dict[str, Any]


def write_sweep(
    sweep: SweepFolder,
    grid: Grid,
    expansion: Expansion,
    chunks: Sequence[Chunk],
    paths: Sequence[SweptPath],
    provenance: Mapping[str, Any],
) -> WrittenSweep:
    """Put the chunks together and write ``sweep.{parquet,json,md,html}`` into the sweep's folder.

    Parameters
    ----------
    chunks
        All that were planned; those that are not there are named in the record.
    provenance
        ``command``, ``made_at_utc`` and ``code_version`` of the run.
    """
    # Here, because they bring the drawing library, which no other step of a sweep needs.
    from transforms.sweep_report.page import render_sweep_html, render_sweep_markdown
    from transforms.sweep_report.record import build_sweep_record

    manifest = read_manifest(sweep)
    ids = [one.policy_id for one in expansion.policies]
    done = [chunk for chunk in chunks if is_done(sweep, chunk, ids)]
    missing = [chunk for chunk in chunks if chunk not in set(done)]
    rows = read_rows(sweep, done)
    parquet = sweep.folder / "sweep.parquet"
    write_parquet(rows, parquet)
    described = [_describe_path(sweep, path, bool(manifest["is_simulated"])) for path in paths]
    record = build_sweep_record(
        rows,
        grid,
        expansion,
        failed=[read_failure(sweep, chunk) or _not_computed(chunk) for chunk in missing],
        paths=[{name: value for name, value in path.items() if name != "nav_usd"} for path in described],
        provenance={
            **provenance,
            "sweep_id": sweep.sweep_id,
            "nav_usd": described[0]["nav_usd"],
            **{name: manifest[name] for name in ("as_of", "grid_sha256", "warehouse_run_id", "inputs_sha256")},
            "code_sha256": manifest["code_sha256"],
        },
    )
    files = {
        "sweep.json": json.dumps(record, indent=1, allow_nan=False) + "\n",
        "sweep.md": render_sweep_markdown(record),
        "sweep.html": render_sweep_html(record),
    }
    for name, text in files.items():
        write_atomically(sweep.folder / name, text.encode("utf-8"))
    return WrittenSweep(sweep.folder / "sweep.html", parquet, record)


def _describe_path(sweep: SweepFolder, path: SweptPath, is_home_simulated: bool) -> dict[str, Any]:
    market = load_path(sweep.path_folder(path.number)).swept
    return {
        "path": path.number,
        "is_simulated": path.seed is not None or is_home_simulated,
        "seed": path.seed,
        "first_session": str(market.futures.days[0]),
        "last_session": str(market.futures.days[-1]),
        "nav_usd": market.nav_usd,
    }


def _not_computed(chunk: Chunk) -> dict[str, Any]:
    return {"chunk": chunk.name, "error": "not computed", "tries": 0}
