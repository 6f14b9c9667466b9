"""Whether a build would bring anything: a key of all that goes into one, and what stands if the key is the same.

A warehouse is a pure function of the stored files, the policies, the stored calibrations, the day and the code. Where
none of these differs from what the published one was built from, building it again gives the same tables, and the night
that would do so says instead that what is published stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from warehouse.home import Home
from warehouse.policy_tables import PolicyInForce
from warehouse.publish import hash_file
from warehouse.raw_store import RawStore
from warehouse.reports import list_report_files
from warehouse.run_log import published_run_id, read_record
from warehouse.stored_calibrations import list_calibration_files
from warehouse.version import code_sha256


@dataclass(frozen=True)
class Standing:
    """A published night that stands.

    Parameters
    ----------
    record
        Its run record.
    as_of, report
        The session it reported, and the page.
    """

    record: Mapping[str, Any]
    as_of: date
    report: Path

    @property
    def run_id(self) -> str:
        """Name of its run."""
        return str(self.record["run_id"])

    @property
    def reasons(self) -> list[str]:
        """Why it is degraded; empty where it is not."""
        return list(self.record.get("reasons", []))


def compute_build_key(
    home: Home,
    policies: Sequence[PolicyInForce],
    *,
    today: date,
    due_session: date | None,
    is_simulated: bool,
) -> str:
    """Return the SHA-256 of everything a build reads; parameters as in `warehouse.build.build_warehouse`."""
    digest = hashlib.sha256()

    def add(*parts: object) -> None:
        digest.update(json.dumps(parts, default=str).encode() + b"\n")

    add("code", code_sha256(), *_installed_versions())
    add("day", today, due_session, is_simulated)
    for entry in policies:
        add("policy", entry.effective_from, entry.policy_hash)
    for publisher, name, state in RawStore(home).states():
        versions = [(version.sha256, version.fetched_at_utc, version.refusal) for version in state.versions]
        add("file", publisher, name, state.absent, versions)
    for path in list_calibration_files(home):
        add("calibration", path.name, hash_file(path))
    return digest.hexdigest()


def find_standing(home: Home, build_key: str, as_of: date | None) -> Standing | None:
    """Return the published night if a build by this key would only repeat it; None where there is work to do.

    Something is to be done where nothing is published, where the published file is not the one that its run record
    names, where that run had another key or failures, or was broken off, or where the report of the session is not
    whole.

    Parameters
    ----------
    as_of
        The session that is to be reported; None: the one that was.
    """
    run_id = published_run_id(home)
    record = read_record(home, run_id) if run_id else None
    if record is None or record.get("build_key") != build_key or (record.get("fetch") or {}).get("failures"):
        return None
    if record.get("broken_off"):
        return None  # killed once it had published: its report may be that of the run before
    try:
        reported = date.fromisoformat(str(record["as_of"]))
        if hash_file(home.published) != record["published"]["sha256"]:
            return None
    except (KeyError, TypeError, ValueError, OSError):
        return None
    files = list_report_files(home, reported)
    if as_of not in (None, reported) or not all(path.is_file() for path in files.values()):
        return None
    return Standing(record, reported, files["html"])


@lru_cache(maxsize=1)
def _installed_versions() -> tuple[str, ...]:
    """Every package that is installed: any of them may decide a number."""
    return tuple(sorted({f"{found.name} {found.version}" for found in metadata.distributions()}))
