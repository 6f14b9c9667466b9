"""A small made-up market, written as an offline archive in the publishers' own layouts.

Not a simulation: the numbers follow a plain formula, so that a test can work any of them out by hand.
Every number here is made up; no exchange data is in the repository.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from transforms import calendar
from transforms.contracts import CONTRACT_PATH, MONTH_CODES
from transforms.formats import VX_HEADER

FIRST, LAST = date(2025, 6, 2), date(2025, 9, 12)

CDN = "cdn.cboe.com"
VX_FOLDER = f"{CDN}/data/us/futures/market_statistics/historical_data/VX"
ARCHIVE_FOLDER = f"{CDN}/resources/futures/archive/volume-and-price"
INDEX_FOLDER = f"{CDN}/api/global/us_indices/daily_prices"
LIST_FILE = "www-api.cboe.com/us/futures/market_statistics/historical_data/product/list/VX/index.json"
DAILY_FOLDER = "www.cboe.com/us/futures/market_statistics/settlement/csv"
BILL_FILE = "fred.stlouisfed.org/graph/fredgraph.csv/id=DTB3"

BILL_RATE_PERCENT = 4.20


def vix_close(day: date) -> float:
    """VIX of the made-up market: a slow wave around 17."""
    return round(17 + 3 * math.sin((day - FIRST).days / 11), 2)


def vx_settle(day: date, expiry: date) -> float:
    """Settlement: VIX plus 8 points a year of maturity, square-rooted; on the expiry date, VIX."""
    years = (expiry - day).days / 365
    return round(vix_close(day) + 8 * math.sqrt(max(years, 0.0)), 4)


@dataclass
class Market:
    """An archive folder, with the means to spoil it."""

    root: Path
    last: date = LAST
    sessions: list[date] = field(default_factory=list)
    monthlies: list[date] = field(default_factory=list)
    weeklies: list[date] = field(default_factory=list)

    def contract_path(self, expiry: date) -> Path:
        return self.root / VX_FOLDER / f"VX_{expiry.isoformat()}.csv"

    def index_path(self, code: str) -> Path:
        return self.root / INDEX_FOLDER / f"{code}_History.csv"

    @property
    def list_path(self) -> Path:
        return self.root / LIST_FILE

    @property
    def bill_path(self) -> Path:
        return self.root / BILL_FILE

    def front(self, day: date | None = None) -> list[date]:
        """Monthly expiries after a session, nearest first."""
        return [expiry for expiry in self.monthlies if expiry > (day or self.last)]

    def edit(self, path: Path, change: Callable[[str], str]) -> None:
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert after != before, f"the edit of {path.name} changed nothing"
        path.write_text(after, encoding="utf-8")

    def extend_to(self, last: date) -> None:
        """Go on to a later session, as the publishers do from one night to the next."""
        write_market(self.root, last=last)
        self.__dict__.update(_plan_market(self.root, last).__dict__)

    def write_daily_settlements(self, day: date, table_of: date | None = None, shift: float = 0.0) -> Path:
        """Write the same-evening table of a session; ``table_of`` writes another day's table under its name."""
        source = table_of or day
        lines = ["Product,Symbol,Expiration Date,Price"]
        for expiry in sorted(self.front(source) + [w for w in self.weeklies if w >= source]):
            week = "" if expiry in self.monthlies else f"{expiry.isocalendar().week:02d}"
            symbol = f"VX{week}/{MONTH_CODES[expiry.month - 1]}{expiry.year % 10}"
            lines.append(f"VX,{symbol},{expiry.isoformat()},{vx_settle(source, expiry) + shift:.4f}")
        lines.append(f"VXM,VXM/{MONTH_CODES[day.month - 1]}{day.year % 10},{day.isoformat()},17.0000")
        path = self.root / DAILY_FOLDER / f"dt={day.isoformat()}"
        return _write(path, lines)


def write_market(root: Path, *, last: date = LAST) -> Market:
    """Write the whole archive. Return it."""
    market = _plan_market(root, last)
    _write_list(market)
    for expiry in [*market.monthlies, *market.weeklies]:
        _write(market.contract_path(expiry), [VX_HEADER, *contract_lines(market, expiry)])
    for code in ("VIX", "VIX9D", "VIX3M", "VIX6M", "SPX"):
        _write(market.index_path(code), ["DATE,OPEN,HIGH,LOW,CLOSE", *index_lines(market, code)])
    for code in ("VVIX", "SKEW"):
        _write(market.index_path(code), [f"DATE,{code}", *index_lines(market, code)])
    bills = [f"{day.isoformat()},{BILL_RATE_PERCENT}" for day in market.sessions]
    _write(market.bill_path, ["observation_date,DTB3", *bills])
    return market


def contract_lines(market: Market, expiry: date) -> list[str]:
    """The data lines of a contract's file, from 160 days before its expiry (weeklies: 40)."""
    label = f"{MONTH_CODES[expiry.month - 1]} ({expiry:%b %Y})"
    listed = timedelta(days=160 if expiry in market.monthlies else 40)
    lines = []
    for day in market.sessions:
        if not expiry - listed <= day <= expiry:
            continue
        price = f"{vx_settle(day, expiry):.4f}"
        if expiry in market.monthlies and day < expiry:
            low, high = vx_settle(day, expiry) - 0.3, vx_settle(day, expiry) + 0.4
            traded = f"{price},{high:.4f},{low:.4f},{price},{price},0.1000,1200,0,5000"
            lines.append(f"{day.isoformat()},{label},{traded}")
        else:
            # no trade: open and close 0, high and low are quotes, here crossed as the exchange prints them
            lines.append(f"{day.isoformat()},{label},0.0000,12.5000,30.0000,0.0000,{price},0,0,0,10")
    return lines


def index_lines(market: Market, code: str) -> list[str]:
    """The data lines of an index history."""
    level: dict[str, Callable[[date], float]] = {
        "VIX": vix_close,
        "VIX9D": lambda day: vix_close(day) - 1,
        "VIX3M": lambda day: vix_close(day) + 2,
        "VIX6M": lambda day: vix_close(day) + 3,
        "SPX": lambda day: 5900 + (day - FIRST).days * 4.0,
        "VVIX": lambda day: 95.0 + (day - FIRST).days % 9,
        "SKEW": lambda day: 140.0 + (day - FIRST).days % 7,
    }
    lines = []
    for day in market.sessions:
        close = level[code](day)
        if code in ("VVIX", "SKEW"):
            lines.append(f"{day:%m/%d/%Y},{close:.6f}")
        else:
            lines.append(f"{day:%m/%d/%Y},{close:.6f},{close * 1.01:.6f},{close * 0.99:.6f},{close:.6f}")
    return lines


def _plan_market(root: Path, last: date) -> Market:
    sessions = list(calendar.sessions("XCBF", FIRST, last))
    settled = calendar.vx_monthly_settlement_dates(FIRST, last + timedelta(days=200))
    # listed once there is a session within 160 days of expiry
    monthlies = [entry.expiry_date for entry in settled if entry.expiry_date - timedelta(days=160) <= sessions[-1]]
    weeklies = []
    for day in calendar.sessions("XCBF", FIRST, last + timedelta(days=40)):
        if day.weekday() == 2 and day not in monthlies and day - timedelta(days=40) <= sessions[-1]:
            weeklies.append(day)
    return Market(root, last, sessions, monthlies, weeklies)


def _write_list(market: Market) -> None:
    years: dict[str, list[dict[str, str]]] = {}
    for expiry in sorted([*market.monthlies, *market.weeklies]):
        is_monthly = expiry in market.monthlies
        week = "" if is_monthly else f"{expiry.isocalendar().week:02d}"
        years.setdefault(str(expiry.year), []).append(
            {
                "product_display": f"VX+VXT{week}/{MONTH_CODES[expiry.month - 1]}{expiry.year % 10}",
                "expire_date": expiry.isoformat(),
                "futures_root": "VX",
                "duration_type": "M" if is_monthly else "W",
                "path": CONTRACT_PATH.format(expiry=expiry.isoformat()),
                "contract_dt": expiry.replace(day=1).isoformat(),
            }
        )
    _write(market.list_path, [json.dumps(years, indent=1)])


def _write(path: Path, lines: Iterable[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
