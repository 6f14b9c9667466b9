"""Re-hashing the report files against the list beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse.governance.findings import Finding
from warehouse.home import Home
from warehouse.publish import hash_file
from warehouse.reports import SUMS, read_sums

_LOST = "the report as it was written; `alvh report` makes one of that session from what is published"


@dataclass(frozen=True)
class ReportReading:
    """What was found of the reports, how many files were looked at, and how many reports have no list."""

    findings: tuple[Finding, ...]
    files: int
    bytes: int
    without_sums: int


def check_reports(home: Home) -> ReportReading:
    """Compare the files of every report with ``SHA256SUMS`` beside them."""
    findings: list[Finding] = []
    files = size = without = 0
    found = [path.parent for name in ("hedge-state.json", SUMS) for path in home.reports.glob(f"**/{name}")]
    for folder in sorted(set(found)):
        if not (folder / SUMS).exists():
            without += 1
            continue
        try:
            listed = read_sums(folder)
        except (OSError, ValueError) as error:
            what = "the list of a report's hashes cannot be read"
            findings.append(_error(folder / SUMS, what, f"{type(error).__name__}: {error}", "hash and name a line"))
            continue
        findings += _compare(folder, listed)
        paths = {folder / name for _, name in listed}
        files += len(paths)
        size += sum(path.stat().st_size for path in paths if path.exists())
    return ReportReading(tuple(findings), files, size, without)


def _compare(folder: Path, listed: list[tuple[str, str]]) -> Iterator[Finding]:
    for name in dict.fromkeys(name for _, name in listed):
        expected = [sha256 for sha256, other in listed if other == name]
        path, said = folder / name, f"SHA-256 {expected[-1]}"
        if not path.exists():
            yield _error(path, "a file of a report is gone", "no such file", said)
        elif (actual := hash_file(path)) not in expected:
            yield _error(path, "a file of a report was changed", f"SHA-256 {actual}", said)


def _error(path: Path, what: str, found: str, expected: str) -> Finding:
    return Finding("reports", str(path), what, found, expected, lost=_LOST)
