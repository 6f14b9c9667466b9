"""A workbench for tests of the models: land hand-made lines, build, ask.

A test states only the lines it cares about. Every number is made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from tests.support.prepared import prepared
from transforms import calendar
from transforms.contracts import CONTRACT_PATH, MONTH_CODES, current_file_name
from transforms.formats import (
    DAILY_SETTLEMENT_HEADER,
    FUND_HEADER,
    SECTOR_HEADER,
    SHILLER_HEADER,
    VX_HEADER,
    last_trade_date,
)
from transforms.registry import ColumnInfo
from warehouse.build import Built, build_warehouse
from warehouse.home import Home
from warehouse.models import SQL_FOLDER, Model, build_models, load_models
from warehouse.raw_store import RawStore, StoredFile

TODAY = date(2025, 9, 15)
NOW = datetime(2025, 9, 15, 1, 0, tzinfo=UTC)


class Bench:
    """A home folder in the making. ``build`` returns an open connection; ``close`` ends them all.

    Parameters
    ----------
    only
        Tables that the tests ask. A build ends when they are made, with what they are made of, as a night makes
        them. Empty builds the whole warehouse, which takes several times as long.
    """

    def __init__(self, folder: Path, only: Iterable[str] = ()) -> None:
        self.only = tuple(only)
        self.home = Home(folder)
        self.home.prepare()
        self.store = RawStore(self.home)
        self._open: list[duckdb.DuckDBPyConnection] = []

    def land(
        self, dataset: str, name: str, body: str | bytes, *, publisher: str = "cboe", at: datetime = NOW
    ) -> StoredFile:
        content = body if isinstance(body, bytes) else body.encode()
        stored, _ = self.store.land(
            publisher=publisher,
            dataset=dataset,
            name=name,
            url=f"https://publisher.test/{name}",
            body=content,
            status=200,
            headers={},
            fetched_at=at,
        )
        return stored

    def contract(self, expiry: date, *lines: str, **more: Any) -> StoredFile:
        """Land a current-format contract file with these data lines."""
        return self.land("vx_contract", current_file_name(expiry), _text(VX_HEADER, lines), **more)

    def archive(self, month: str, *lines: str, **more: Any) -> StoredFile:
        """Land an archive file; ``month`` is a code such as ``H07``."""
        return self.land("vx_archive", f"CFE_{month}_VX.csv", _text(VX_HEADER, lines), **more)

    def evening(self, session: date, *lines: str, **more: Any) -> StoredFile:
        """Land a same-evening settlement table."""
        name = f"settlement_{session.isoformat()}.csv"
        return self.land("vx_daily_settlement", name, _text(DAILY_SETTLEMENT_HEADER, lines), **more)

    def index(self, code: str, *lines: str, **more: Any) -> StoredFile:
        """Land an index history: four prices a line where the first line has five fields, else the close alone."""
        fields = lines[0].count(",") if lines else 4
        header = "DATE,OPEN,HIGH,LOW,CLOSE" if fields >= 4 else f"DATE,{code}"
        return self.land("index_history", f"{code}_History.csv", _text(header, lines), **more)

    def bills(self, *lines: str, **more: Any) -> StoredFile:
        """Land the bill rate."""
        return self.land("fred_series", "DTB3.csv", _text("observation_date,DTB3", lines), publisher="fred", **more)

    def breadth(self, advances: Iterable[str], declines: Iterable[str], **more: Any) -> None:
        """Land the two files of NYSE counts; they have no header."""
        for name, lines in (("NYSE_advn.csv", advances), ("NYSE_decln.csv", declines)):
            body = "".join(f"{line}\n" for line in lines)
            self.land("nyse_breadth", name, body, publisher="unicorn", **more)

    def bars(self, symbol: str, *entries: Any, **more: Any) -> StoredFile:
        """Land the daily bars of a symbol."""
        body = {"timestamp": "2025-09-12 22:35:00", "symbol": symbol, "data": list(entries)}
        return self.land("price_bars", f"{symbol}_bars.json", json.dumps(body), **more)

    def fund(self, symbol: str, *lines: str, **more: Any) -> StoredFile:
        """Land a fund's history of net asset value."""
        name = f"{symbol}-historical_nav.csv"
        return self.land("fund_nav", name, _text(FUND_HEADER, lines), publisher="proshares", **more)

    def valuations(self, *lines: str, **more: Any) -> StoredFile:
        """Land the public copy of Shiller's monthly data."""
        body = _text(SHILLER_HEADER, lines)
        return self.land("shiller_monthly", "sp500_monthly.csv", body, publisher="shiller", **more)

    def sectors(self, *lines: str, **more: Any) -> StoredFile:
        """Land the user's sector valuations."""
        body = _text(SECTOR_HEADER, lines)
        return self.land("sector_price_cash_flow", "sector_price_cash_flow.csv", body, publisher="user", **more)

    def finals(self, *lines: str, **more: Any) -> StoredFile:
        """Land the history of final settlement values."""
        return self.land("vx_final_settlement", "VRO_History.csv", _text("DATE,CLOSE", lines), **more)

    def contract_list(self, *entries: Mapping[str, Any]) -> StoredFile:
        """Land Cboe's contract list."""
        return self.land("vx_contract_list", "VX_product_list.json", json.dumps({"2025": list(entries)}) + "\n")

    def build(
        self, *, today: date = TODAY, due_session: date | None = None, is_simulated: bool = False, run_id: str = "run"
    ) -> duckdb.DuckDBPyConnection:
        """Build what has been landed. Return a connection to it."""
        built = self.build_file(today=today, due_session=due_session, is_simulated=is_simulated, run_id=run_id)
        connection = duckdb.connect(str(built.path))
        self._open.append(connection)
        return connection

    def build_file(self, *, name: str | None = None, today: date = TODAY, run_id: str = "run", **more: Any) -> Built:
        """Build what has been landed into a new file."""
        number = len(list(self.home.build.glob("*.duckdb")))
        path = self.home.build / (name or f"build-{number}.duckdb")
        given = {"run_id": run_id, "today": today, "due_session": None, **more}
        with prepared(path, today, is_simulated=bool(given.get("is_simulated"))):
            if not self.only:
                return build_warehouse(self.home, path, **given)
            with patch("warehouse.build.build_models", lambda made, _, columns: _build_some(made, self.only, columns)):
                try:
                    return build_warehouse(self.home, path, **given)
                except _Enough as enough:
                    return Built(path, enough.args[0], None)

    def close(self) -> None:
        for connection in self._open:
            connection.close()


class _Enough(Exception):  # noqa: N818 - no error
    """Ends a build after its models; holds their rows."""


def _build_some(
    connection: duckdb.DuckDBPyConnection, only: tuple[str, ...], columns: Mapping[str, ColumnInfo]
) -> None:
    rows = build_models(connection, models_of(only).values(), columns)
    connection.execute("commit")
    raise _Enough(rows)


@lru_cache(maxsize=16)
def models_of(only: tuple[str, ...]) -> Mapping[str, Model]:
    """The models that tables are made of, these included, in the order of building."""
    models = load_models()
    unknown = [name for name in only if name not in models]
    assert not unknown, f"no models: {unknown}"
    wanted = set(only)
    # in the order of building, so that a model comes before everything it reads when turned around
    for name, model in reversed(models.items()):
        if name in wanted:
            wanted |= model.reads & models.keys()
    return {name: model for name, model in models.items() if name in wanted}


def vx_line(
    day: date | str,
    expiry: date,
    settle: float | str,
    *,
    prices: str | None = None,
    volume: int | str = 100,
    interest: int | str = 1000,
    label: str | None = None,
) -> str:
    """A data line of a current-format contract file; without ``prices`` all trades are at the settle."""
    code = MONTH_CODES[expiry.month - 1]
    four = prices or f"{settle},{settle},{settle},{settle}"
    return f"{day},{label or f'{code} ({expiry:%b %Y})'},{four},{settle},0,{volume},0,{interest}"


def archive_line(day: date | str, month: date, settle: float | str, **more: Any) -> str:
    """A data line of an archive file: month-first date, label with a two-digit year."""
    when = f"{day:%m/%d/%Y}" if isinstance(day, date) else day
    return vx_line(when, month, settle, **{"label": f"{MONTH_CODES[month.month - 1]} ({month:%b %y})", **more})


def evening_line(expiry: date, settle: float | str, *, product: str = "VX") -> str:
    """A line of the same-evening table."""
    return f"{product},{product}/{MONTH_CODES[expiry.month - 1]}{expiry.year % 10},{expiry},{settle}"


def bar(day: date | str, close: float, **changes: Any) -> dict[str, Any]:
    """A bar of Cboe's chart history; all four prices are the close unless changed."""
    entry = {"date": str(day), "open": close, "high": close, "low": close, "close": close, "volume": 1000.0}
    return entry | changes


def fund_line(
    day: date, symbol: str, nav: float, *, prior: float | str = "", shares: float | str = 100, assets: Any = None
) -> str:
    """A line of a fund's history; ``shares`` in thousands, the assets their product with NAV unless given."""
    stated = nav * 1000 * float(shares or 0) if assets is None else assets
    return f"{day:%m/%d/%Y},A Fund,{symbol},{nav},{prior},0,0,{shares},{stated}"


def list_entry(expiry: date, *, duration: str = "M", **changes: Any) -> dict[str, Any]:
    """An entry of Cboe's contract list."""
    entry = {
        "product_display": f"VX+VXT/{MONTH_CODES[expiry.month - 1]}{expiry.year % 10}",
        "expire_date": expiry.isoformat(),
        "futures_root": "VX",
        "duration_type": duration,
        "path": CONTRACT_PATH.format(expiry=expiry.isoformat()),
        "contract_dt": expiry.replace(day=1).isoformat(),
    }
    return entry | changes


@lru_cache(maxsize=8)
def monthlies(first: date, last: date) -> tuple[date, ...]:
    """Monthly expiries of contract months from ``first`` to ``last``."""
    return tuple(entry.expiry_date for entry in calendar.vx_monthly_settlement_dates(first, last))


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    return connection.execute(sql, list(values)).fetchall()


def value(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> Any:
    """The only value of a query; fails unless it returns exactly one row."""
    found = rows(connection, sql, *values)
    assert len(found) == 1, f"{len(found)} rows for {sql}"
    return found[0][0]


class ModelBench:
    """One model on hand-made input tables, without files: for many sessions or many random cases."""

    def __init__(self) -> None:
        from transforms.registry import parameters

        self.connection = duckdb.connect()
        for schema in ("ref", "stg", "core", "mart"):
            self.connection.execute(f"create schema {schema}")
        self.connection.execute("create table ref.parameters (parameter varchar, value double)")
        for entry in parameters().values():
            self.connection.execute("insert into ref.parameters values (?, ?)", [entry.parameter, float(entry.value)])

    def set_parameter(self, name: str, number: float) -> None:
        self.connection.execute("update ref.parameters set value = ? where parameter = ?", [number, name])

    def table(self, name: str, columns: str, data: Iterable[Iterable[Any]]) -> None:
        self.connection.execute(f"create or replace table {name} ({columns})")
        values = [list(row) for row in data]
        if values:
            import pandas as pd

            names = [column.split()[0] for column in columns.split(", ")]
            frame = pd.DataFrame(values, columns=names, dtype=object)
            casts = ", ".join(f"{column.split()[0]}::{column.split()[1]}" for column in columns.split(", "))
            self.connection.register("frame", frame)
            self.connection.execute(f"insert into {name} select {casts} from frame")
            self.connection.unregister("frame")

    def run(self, model: str, columns: str) -> list[tuple[Any, ...]]:
        """Run a model's own SQL and return some of its columns, in the model's order of grain."""
        schema, table = model.split(".")
        sql = (SQL_FOLDER / schema / f"{table}.sql").read_text(encoding="utf-8")
        return self.connection.execute(f"select {columns} from ({sql}) order by 1").fetchall()

    def curve(
        self,
        settles: Mapping[date, Mapping[date, float | None]],
        *,
        vix: Mapping[date, float] | None = None,
        vix3m: Mapping[date, float] | None = None,
        trading_days: Mapping[tuple[date, date], int] | None = None,
    ) -> None:
        """Set the inputs of the term structure: settlements by session and expiry, None where one is missing."""
        listings, settled = [], []
        for day, curve in settles.items():
            for rank, expiry in enumerate(sorted(curve), start=1):
                days_left = (trading_days or {}).get((day, expiry), round((expiry - day).days * 5 / 7))
                listings.append((day, expiry, rank, (expiry - day).days, days_left))
                if curve[expiry] is not None:
                    settled.append((day, expiry, curve[expiry]))
        self.table(
            "core.daily_vx_listings",
            "trade_date date, expiry_date date, tenor_rank bigint, "
            "calendar_days_to_expiry bigint, trading_days_to_expiry bigint",
            listings,
        )
        self.table("core.daily_vx_settlements", "trade_date date, expiry_date date, settle_pts double", settled)
        levels = [(day, "VIX", close) for day, close in (vix or {}).items()]
        levels += [(day, "VIX3M", close) for day, close in (vix3m or {}).items()]
        self.table("core.daily_index_levels", "trade_date date, index_code varchar, close_pts double", levels)

    def close(self) -> None:
        self.connection.close()


def sessions_from(first: date, count: int) -> list[date]:
    """``count`` weekdays from ``first``: for models that do not know a calendar."""
    days: list[date] = []
    day = first
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    return days


def _text(header: str, lines: Iterable[str]) -> str:
    return "\n".join([header, *lines]) + "\n"


def land_archive(bench: Bench, root: Path, *, at: datetime = NOW, until: date | None = None) -> int:
    """Land every file of an offline archive that the models read; ``until`` cuts later lines off. Return files."""
    count = 0
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        place = place_of(path.relative_to(root).as_posix())
        if place is None:
            continue
        publisher, dataset, name = place
        body = path.read_bytes()
        if until is not None and dataset != "vx_contract_list":
            body = _cut_bars(body, until) if dataset == "price_bars" else _cut(body, until)
        bench.land(dataset, name, body, publisher=publisher, at=at)
        count += 1
    return count


def place_of(path: str) -> tuple[str, str, str] | None:
    """Publisher, format family and name of a file of an archive, or None where the models do not read it."""
    name = path.rsplit("/", 1)[-1]
    if "/historical_data/VX/VX_" in path:
        return "cboe", "vx_contract", name
    if "/archive/volume-and-price/" in path:
        return "cboe", "vx_archive", name
    if "/product/list/VX/" in path:
        return "cboe", "vx_contract_list", "VX_product_list.json"
    if "/settlement/csv/dt=" in path:
        return "cboe", "vx_daily_settlement", f"settlement_{name[3:]}.csv"
    if name == "VRO_History.csv":
        return "cboe", "vx_final_settlement", name
    if "/daily_prices/" in path:
        return "cboe", "index_history", name
    if "/charts/historical/" in path:
        return "cboe", "price_bars", name.replace(".json", "_bars.json")
    if "/advdec/" in path:
        return "unicorn", "nyse_breadth", name
    if "/etfdata/ByFund/" in path:
        return "proshares", "fund_nav", name
    if path.endswith("/s-and-p-500/main/data/data.csv"):
        return "shiller", "shiller_monthly", "sp500_monthly.csv"
    if name.startswith("id="):
        return "fred", "fred_series", f"{name[3:]}.csv"
    if name == "fomccalendars.htm":
        return "federalreserve", "fomc_calendar", name
    return ("cboe", "vix_option_chain", "VIX_option_chain.json") if name == "_VIX.json" else None


def _cut(body: bytes, until: date) -> bytes:
    kept = []
    for line in body.splitlines(keepends=True):
        day = last_trade_date(line)
        if day is None or day <= until:
            kept.append(line)
    return b"".join(kept)


def _cut_bars(body: bytes, until: date) -> bytes:
    content = json.loads(body)
    content["data"] = [entry for entry in content["data"] if entry["date"] <= until.isoformat()]
    return json.dumps(content).encode()
