"""Which code this is, and which one built a warehouse."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import duckdb

_CODE = ("flows", "transforms", "warehouse", "sql")
_SHOWN = 12


@dataclass(frozen=True)
class CodeStamp:
    """A version of the code: its number, and the SHA-256 of all its files; None where it was not noted."""

    version: str | None
    sha256: str | None

    def say(self) -> str:
        """Say it in a few words."""
        version = self.version or "an earlier version"
        return f"{version}, code {self.sha256[:_SHOWN]}" if self.sha256 else version


def this_code() -> CodeStamp:
    """Return the stamp of the code that runs."""
    try:
        version = metadata.version("alvh")
    except metadata.PackageNotFoundError:
        version = None
    return CodeStamp(version, code_sha256())


def built_by(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> CodeStamp:
    """Return the stamp of the code that built a warehouse; empty where an earlier version noted none.

    Not inside a transaction, which asking in vain would end.
    """
    table = f"{database}.ref.run" if database else "ref.run"
    try:
        row = connection.execute(f"select code_version, code_sha256 from {table}").fetchone()  # noqa: S608 - our own names
    except (duckdb.BinderException, duckdb.CatalogException):
        return CodeStamp(None, None)
    return CodeStamp(*row) if row else CodeStamp(None, None)


@lru_cache(maxsize=1)
def code_sha256() -> str:
    """Return the SHA-256 of all code and SQL of the checkout."""
    root = Path(__file__).resolve().parent.parent
    return hash_files(_code_files(root), root)


def hash_files(paths: Iterable[Path], root: Path) -> str:
    """Return the SHA-256 of files with their places below a folder, in the order given."""
    digest = hashlib.sha256()
    above = len(root.parts)
    for path in paths:
        digest.update("/".join(path.parts[above:]).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _code_files(root: Path) -> Iterator[Path]:
    for name in _CODE:
        for folder, inner, files in os.walk(root / name):
            # The default home lies in one of them.
            inner[:] = sorted(entry for entry in inner if entry not in ("data", "__pycache__"))
            yield from (Path(folder, file) for file in sorted(files) if not file.endswith(".pyc"))
