"""Which contract files the scripts read, and what their panel has to hold: laid out once, and not timed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

CURRENT = "cdn.cboe.com/data/us/futures/market_statistics/historical_data/VX"
ARCHIVE = "cdn.cboe.com/resources/futures/archive/volume-and-price"
LISTING = "www-api.cboe.com/us/futures/market_statistics/historical_data/product/list/VX/index.json"

IN_TENTHS_UNTIL = "2007-03-25"
"""The last day on which VIX futures were quoted at ten times the index."""

ROWS, SESSIONS = 45_665, 5_484
"""Monthly rows with a positive settlement, and their sessions, in the real files: every script must find them."""


def list_monthly_files(mirror: Path) -> dict[str, str]:
    """Monthly contract files of an archive by their path, with their expiry (ISO)."""
    # Here: the exchange's calendar takes longer to load than a script to run, and none of them is charged for it.
    from transforms.calendar import vx_monthly_settlement_dates

    years = json.loads((mirror / LISTING).read_text(encoding="utf-8"))
    monthly = {entry["expire_date"] for entries in years.values() for entry in entries if entry["duration_type"] == "M"}
    current = {str(path): path.stem[3:] for path in (mirror / CURRENT).glob("VX_*.csv") if path.stem[3:] in monthly}
    by_rule = {
        (entry.contract_month.year, entry.contract_month.month): entry.expiry_date.isoformat()
        for entry in vx_monthly_settlement_dates(date(2004, 1, 1), date(2019, 12, 1))
    }
    archive = {str(path): by_rule[_month_of(path)] for path in (mirror / ARCHIVE).glob("CFE_*_VX.csv")}
    return dict(sorted((archive | current).items()))


def _month_of(path: Path) -> tuple[int, int]:
    match = re.fullmatch(r"CFE_([FGHJKMNQUVXZ])(\d\d)_VX", path.stem)
    assert match is not None, path
    return 2000 + int(match[2]), "FGHJKMNQUVXZ".index(match[1]) + 1


def read_listing(path: str) -> Mapping[str, str]:
    """Read what :func:`list_monthly_files` found."""
    found: Mapping[str, str] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


def check_panel(rows: int, sessions: int) -> None:
    """End with an error where a script built something else than the others."""
    assert (rows, sessions) == (ROWS, SESSIONS), f"{rows} rows of {sessions} sessions"
