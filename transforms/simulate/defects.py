"""Known defects of the real sources, planted in a simulated archive with a list of what was planted.

Each class is one that the real files have had. The manifest names for each the file, the line, and what
the pipeline must do with it: quarantine the line for a reason, mend it, fail a check, or refuse the file.
None of them may stop a night: they are all of the kind that a night publishes with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from transforms.calendar import FIRST_SESSION, vx_monthly_settlement_dates
from transforms.contracts import expiry_of_current_file, month_of_archive_file
from transforms.simulate.archive import (
    ARCHIVE_FOLDER,
    BREADTH_FOLDER,
    CONTRACT_FOLDER,
    EVENING_FOLDER,
    FUND_FOLDER,
    INDEX_FOLDER,
    LIST_FILE,
    MARKER_FILE,
    MEETINGS_FILE,
    QUOTE_FOLDER,
    SERIES_FOLDER,
    STOCKS_FILE,
)

EVERY_MONTH = "mart.daily_term_structure__every_session_has_every_month"
NO_SPIKE = "core.daily_vx_settlements__no_spike_and_revert"
SAME_EVENING = "core.settlement_differences__contract_file_confirms_same_evening"
OFFICIAL = "core.vx_final_settlements__printed_equals_official"
LIST_CLEAN = "ops.quarantined_rows__contract_list_is_clean"
NOT_REFUSED = "ops.source_files__no_current_file_is_refused"


@dataclass(frozen=True)
class Planted:
    """One planted defect.

    Attributes
    ----------
    defect
        Its class.
    file
        Path in the archive.
    dataset, name
        Format family and file name in the raw store.
    line
        Line number (for the contract list: number of the entry), or None for the whole file.
    expected
        What the pipeline must do, each a mapping with ``seen_in`` (``quarantine``, ``mended``, ``check``,
        ``refused``) and ``reason``, ``disposition``, ``how`` or ``check``.
    """

    defect: str
    file: str
    dataset: str
    name: str
    line: int | None
    expected: tuple[Mapping[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as plain values for the manifest."""
        return {
            "defect": self.defect,
            "file": self.file,
            "dataset": self.dataset,
            "name": self.name,
            "line": self.line,
            "expected": [dict(outcome) for outcome in self.expected],
        }


def quarantined(reason: str, disposition: str = "rejected") -> Mapping[str, str]:
    """The line is in ``ops.quarantined_rows`` with this reason and disposition."""
    return {"seen_in": "quarantine", "reason": reason, "disposition": disposition}


def mended(how: str) -> Mapping[str, str]:
    """The line is used, and its value is right."""
    return {"seen_in": "mended", "how": how}


def failed_check(check: str) -> Mapping[str, str]:
    """A check of severity ``warn`` reports it."""
    return {"seen_in": "check", "check": check}


def refused() -> Mapping[str, str]:
    """The file is stored, named, and not read."""
    return {"seen_in": "refused"}


def edited(line: str, changes: Mapping[int, str]) -> str:
    """Replace fields of a comma-separated line by their place."""
    fields = line.split(",")
    for place, text in changes.items():
        fields[place] = text
    return ",".join(fields)


@dataclass
class Planter:
    """The archive being spoilt: files by path, what was planted, and where there is still room."""

    files: dict[str, bytes]
    random: np.random.Generator
    planted: list[Planted] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)

    def note(self, defect: str, file: str, line: int | None, *expected: Mapping[str, str]) -> None:
        """Add an entry to the manifest."""
        dataset, name = identity(file)
        self.planted.append(Planted(defect, file, dataset, name, line, expected))

    def lines(self, file: str) -> list[str]:
        """Return the lines of a file, without the end after the last."""
        return self.files[file].decode().removesuffix("\n").split("\n")

    def write(self, file: str, lines: Iterable[str], end: str = "\n") -> None:
        """Replace a file by lines."""
        self.files[file] = (end.join(lines) + end).encode()
        self.spoilt.add(file)

    def take(self, candidates: Iterable[str]) -> str | None:
        """Choose a file that nothing was planted in yet, or None."""
        free = sorted(set(candidates) - self.spoilt)
        if not free:
            return None
        chosen = free[int(self.random.integers(len(free)))]
        self.spoilt.add(chosen)
        return chosen

    def pick(self, count: int, keep_off: int = 3) -> int:
        """Choose one of ``count`` data lines, away from both ends. Return its place in the list of lines."""
        return 1 + int(self.random.integers(keep_off, count - keep_off))

    @property
    def evenings(self) -> list[date]:
        """Sessions with a same-evening table."""
        return sorted(
            date.fromisoformat(path.rpartition("=")[2]) for path in self.files if path.startswith(EVENING_FOLDER)
        )

    def contract_files(self, *, monthly: bool) -> list[str]:
        """Contract files in the current format that ended at least a month before the newest session."""
        last = self.evenings[-1]
        monthlies = self._monthly_expiries()
        found = []
        for path in self.files:
            expiry = expiry_of_current_file(path.rpartition("/")[2]) if path.startswith(CONTRACT_FOLDER) else None
            if expiry and (last - expiry).days > 30 and (expiry in monthlies) == monthly and len(self.lines(path)) > 20:
                found.append(path)
        return found

    def archive_files(self) -> list[str]:
        """Contract files in the archive's format, whole lives only."""
        paths = [path for path in self.files if path.startswith(ARCHIVE_FOLDER)]
        return [p for p in paths if month_of_archive_file(p.rpartition("/")[2]) and len(self.lines(p)) > 100]

    def _monthly_expiries(self) -> set[date]:
        horizon = self.evenings[-1].replace(day=1)
        return {entry.expiry_date for entry in vx_monthly_settlement_dates(FIRST_SESSION, horizon)}


def plant_defects(files: Iterable[tuple[str, bytes]], seed: int) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Plant every known defect class that the archive has room for.

    Parameters
    ----------
    files
        As :func:`transforms.simulate.archive.render_archive` yields them. Half a year of sessions has room
        for most classes; those of the 2004-2012 archive need files of that time.

    Returns
    -------
    The files, and the manifest: ``defects`` (see :class:`Planted`), ``failed_checks`` (names of all checks
    that fail because of them) and ``quarantined_lines``. What is not in the manifest must not appear in
    quarantine.
    """
    # they build on this module
    from transforms.simulate.defects_elsewhere import IN_OTHER_FILES
    from transforms.simulate.defects_in_contracts import IN_CONTRACT_FILES

    planter = Planter(dict(files), np.random.default_rng([seed, 4711]))
    steps: list[Callable[[Planter], None]] = [*IN_CONTRACT_FILES, *IN_OTHER_FILES]
    for step in steps:
        step(planter)
    checks = {e["check"] for entry in planter.planted for e in entry.expected if e["seen_in"] == "check"}
    lines = sum(e["seen_in"] == "quarantine" for entry in planter.planted for e in entry.expected)
    manifest = {
        "seed": seed,
        "defects": [entry.as_dict() for entry in planter.planted],
        "failed_checks": sorted(checks),
        "quarantined_lines": lines,
    }
    return planter.files, manifest


def identity(file: str) -> tuple[str, str]:
    """Return the format family of an archive path and its file name in the raw store.

    Raises
    ------
    KeyError
        For a path that no simulated archive has.
    """
    folder, _, base = file.rpartition("/")
    if file in _SINGLE_FILES:
        return _SINGLE_FILES[file]
    if folder == EVENING_FOLDER:
        return "vx_daily_settlement", f"settlement_{base.removeprefix('dt=')}.csv"
    if folder == SERIES_FOLDER:
        return "fred_series", f"{base.removeprefix('id=')}.csv"
    if folder == BARS_FOLDER:
        return "price_bars", f"{base.removesuffix('.json')}_bars.json"
    return _FAMILIES[folder], base


BARS_FOLDER = f"{QUOTE_FOLDER}/charts/historical"

_SINGLE_FILES = {
    MARKER_FILE: ("marker", MARKER_FILE),
    LIST_FILE: ("vx_contract_list", "VX_product_list.json"),
    f"{INDEX_FOLDER}/VRO_History.csv": ("vx_final_settlement", "VRO_History.csv"),
    f"{QUOTE_FOLDER}/options/_VIX.json": ("vix_option_chain", "VIX_option_chain.json"),
    MEETINGS_FILE: ("fomc_calendar", "fomccalendars.htm"),
    STOCKS_FILE: ("shiller_monthly", "sp500_monthly.csv"),
}
_FAMILIES = {
    CONTRACT_FOLDER: "vx_contract",
    ARCHIVE_FOLDER: "vx_archive",
    INDEX_FOLDER: "index_history",
    BREADTH_FOLDER: "nyse_breadth",
    FUND_FOLDER: "fund_nav",
}
