"""A published home to measure on: the one that is named, or one made from an archive and kept beside the results."""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

from benchmarks.harness import QUIET, alvh, real_archive

KEPT = Path(__file__).resolve().parent / ".homes"


def add_home_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--home``."""
    parser.add_argument(
        "--home", type=Path, help="a published home; by default one of the real files, else of the sample, made once"
    )


def have_home(named: Path | None) -> Path:
    """Return a home with a published warehouse: the named one, or the one that is kept, made where there is none."""
    if named is not None:
        return named.resolve()
    archive = real_archive()
    home = KEPT / ("real" if archive else "sample")
    if not (home / "alvh.duckdb").exists():
        home.parent.mkdir(exist_ok=True)
        source = ["--source", "archive", "--archive", str(archive)] if archive else ["--source", "sample"]
        print(f"a night for the home to measure on: {home.name}", flush=True)
        code = subprocess.run(
            alvh("nightly", *source, "--home", str(home)), env={**os.environ, **QUIET}, check=False
        ).returncode
        if code not in (0, 3):
            raise SystemExit(f"the night ended with code {code}")
    return home
