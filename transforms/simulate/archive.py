"""The simulated market as an offline archive: the sources' own paths, layouts and number formats.

Nothing is written here: files are yielded as (path relative to the archive folder, bytes).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np
import pandas as pd

from transforms.contracts import CONTRACT_PATH, MONTH_CODES, archive_file_name, current_file_name
from transforms.formats import DAILY_SETTLEMENT_HEADER, FUND_HEADER, OHLC_HEADER, SHILLER_HEADER, VX_HEADER
from transforms.simulate.curve import TEN_FOLD_UNTIL
from transforms.simulate.fomc_page import render_fomc_page
from transforms.simulate.indices import CLOSE_ONLY
from transforms.simulate.market import Market
from transforms.simulate.noise import decimals
from transforms.simulate.options import render_chain
from transforms.simulate.shiller import COLUMNS as STOCK_COLUMNS

CDN = "cdn.cboe.com"
CONTRACT_FOLDER = f"{CDN}/data/us/futures/market_statistics/historical_data/VX"
ARCHIVE_FOLDER = f"{CDN}/resources/futures/archive/volume-and-price"
INDEX_FOLDER = f"{CDN}/api/global/us_indices/daily_prices"
QUOTE_FOLDER = f"{CDN}/api/global/delayed_quotes"
LIST_FILE = "www-api.cboe.com/us/futures/market_statistics/historical_data/product/list/VX/index.json"
EVENING_FOLDER = "www.cboe.com/us/futures/market_statistics/settlement/csv"
SERIES_FOLDER = "fred.stlouisfed.org/graph/fredgraph.csv"
BREADTH_FOLDER = "unicorn.us.com/advdec"
FUND_FOLDER = "accounts.profunds.com/etfdata/ByFund"
MEETINGS_FILE = "www.federalreserve.gov/monetarypolicy/fomccalendars.htm"
STOCKS_FILE = "raw.githubusercontent.com/datasets/s-and-p-500/main/data/data.csv"
MARKER_FILE = "SIMULATED.json"

FIRST_CURRENT_EXPIRY = date(2013, 1, 1)
"""Contracts expiring from here are written in the current format, earlier ones in the archive's."""
EVENING_TABLES = 3
"""Same-evening tables of the newest sessions."""

_FUND_NAMES = {
    "VIXY": "ProShares VIX Short-Term Futures ETF",
    "UVXY": "ProShares Ultra VIX Short-Term Futures ETF",
    "SVXY": "ProShares Short VIX Short-Term Futures ETF",
}
_MADE_UP = "Every number in this folder is made up by a simulation. None of it is market data."


def render_archive(market: Market) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the archive: (path relative to its folder, bytes), in a fixed order.

    Market files end on the market's last session; series with a publication lag end earlier. The marker
    ``SIMULATED.json`` comes first.
    """
    yield MARKER_FILE, _json(marker(market), indent=1)
    yield LIST_FILE, _contract_list(market)
    yield from _contract_files(market)
    yield from _index_files(market)
    yield from _final_settlements(market)
    yield from _evening_tables(market)
    bills = market.context.series["DTB3"]["value"].dropna()
    yield f"{QUOTE_FOLDER}/options/_VIX.json", render_chain(market, float(bills.iloc[-1]))
    yield from _context_files(market)


def marker(market: Market) -> dict[str, object]:
    """What the marker file says: how the market was made, so that it can be made again."""
    return {
        "is_simulated": True,
        "seed": market.seed,
        "years": round((market.last_session - market.first_session).days / 365.25, 2),
        "first_session": market.first_session.isoformat(),
        "last_session": market.last_session.isoformat(),
        "crisis": market.crisis.isoformat() if market.crisis else None,
        "model_version": market.model_version,
        "note": _MADE_UP,
    }


def symbol_of(expiry: date, *, is_monthly: bool) -> str:
    """Symbol of the same-evening table: ``VX/U6``, weekly ``VX38/U6``."""
    week = "" if is_monthly else f"{expiry.isocalendar().week:02d}"
    return f"VX{week}/{MONTH_CODES[expiry.month - 1]}{expiry.year % 10}"


def _contract_list(market: Market) -> bytes:
    years: dict[str, list[dict[str, str]]] = {}
    for contract in market.contracts:
        expiry = contract.expiry_date
        if expiry < FIRST_CURRENT_EXPIRY:
            continue
        symbol = symbol_of(expiry, is_monthly=contract.is_monthly).removeprefix("VX")
        years.setdefault(str(expiry.year), []).append(
            {
                "product_display": f"VX+VXT{symbol}",
                "expire_date": expiry.isoformat(),
                "futures_root": "VX",
                "duration_type": "M" if contract.is_monthly else "W",
                "path": CONTRACT_PATH.format(expiry=expiry.isoformat()),
                "contract_dt": expiry.replace(day=1).isoformat(),
            }
        )
    return _json(years, indent=0)


def _contract_files(market: Market) -> Iterator[tuple[str, bytes]]:
    for stamp, rows in market.futures.groupby("expiry_date"):
        expiry = pd.Timestamp(str(stamp)).date()
        if expiry >= FIRST_CURRENT_EXPIRY:
            yield f"{CONTRACT_FOLDER}/{current_file_name(expiry)}", _lines(VX_HEADER, _current_lines(expiry, rows))
        elif rows["is_monthly"].iloc[0]:
            path = f"{ARCHIVE_FOLDER}/{archive_file_name(expiry.replace(day=1))}"
            yield path, _lines(VX_HEADER, _archive_lines(expiry, rows))


def _current_lines(expiry: date, rows: pd.DataFrame) -> Iterator[str]:
    label = f"{MONTH_CODES[expiry.month - 1]} ({expiry:%b %Y})"
    settle = rows["settle_pts"].to_numpy()
    change = decimals(np.diff(settle, prepend=settle[0]), 4) + 0.0  # no negative zero
    days = rows["trade_date"].dt.strftime("%Y-%m-%d")
    for day, *prices, moved, volume, efp, interest in zip(days, *_prices(rows), change, *_counts(rows), strict=True):
        printed = ",".join(f"{price:.4f}" for price in prices)
        yield f"{day},{label},{printed},{moved:.4f},{volume},{efp},{interest}"


def _archive_lines(expiry: date, rows: pd.DataFrame) -> Iterator[str]:
    label = f"{MONTH_CODES[expiry.month - 1]} ({expiry:%b %y})"
    # quotes before 2007-03-26 were ten times the index
    scale = np.where(rows["trade_date"].to_numpy() < TEN_FOLD_UNTIL, 10.0, 1.0)
    prices = [price * scale for price in _prices(rows)]
    settle = rows["settle_pts"].to_numpy()
    change = decimals(np.diff(settle, prepend=settle[0]) * scale, 2) + 0.0
    days = rows["trade_date"].dt.strftime("%m/%d/%Y")
    for day, *quoted, moved, volume, efp, interest in zip(days, *prices, change, *_counts(rows), strict=True):
        # half ticks need a third decimal; the archive prints what it has
        printed = ",".join(_plain(price) for price in quoted)
        yield f"{day},{label},{printed},{moved:.2f},{volume},{efp},{interest}"


def _plain(price: float) -> str:
    text = f"{price:.3f}"
    return text[:-1] if text.endswith("0") else text


def _prices(rows: pd.DataFrame) -> list[np.ndarray]:
    return [rows[f"{name}_pts"].to_numpy() for name in ("open", "high", "low", "close", "settle")]


def _counts(rows: pd.DataFrame) -> list[np.ndarray]:
    return [rows[f"{name}_contracts"].to_numpy() for name in ("volume", "efp", "open_interest")]


def _index_files(market: Market) -> Iterator[tuple[str, bytes]]:
    for code, frame in market.indices.items():
        days = frame["trade_date"].dt.strftime("%m/%d/%Y")
        names = ("close",) if code in CLOSE_ONLY else ("open", "high", "low", "close")
        columns = [frame[f"{name}_pts"].to_numpy() for name in names]
        lines = (
            f"{day}," + ",".join(f"{value:.6f}" for value in values)
            for day, *values in zip(days, *columns, strict=True)
        )
        yield f"{INDEX_FOLDER}/{code}_History.csv", _lines(f"DATE,{code}" if len(names) == 1 else OHLC_HEADER, lines)


def _final_settlements(market: Market) -> Iterator[tuple[str, bytes]]:
    rows = market.futures[market.futures["trade_date"] == market.futures["expiry_date"]]
    rows = rows.sort_values("trade_date")
    days = rows["trade_date"].dt.strftime("%m/%d/%Y")
    lines = (f"{day},{value:.2f}" for day, value in zip(days, rows["settle_pts"], strict=True))
    if len(rows):
        yield f"{INDEX_FOLDER}/VRO_History.csv", _lines("DATE,VRO", lines)


def _evening_tables(market: Market) -> Iterator[tuple[str, bytes]]:
    for stamp in market.sessions["trade_date"].iloc[-EVENING_TABLES:]:
        rows = market.futures[market.futures["trade_date"] == stamp]
        rows = rows[rows["expiry_date"] > stamp].sort_values("expiry_date")
        lines = []
        for expiry, is_monthly, settle in zip(rows["expiry_date"], rows["is_monthly"], rows["settle_pts"], strict=True):
            day = expiry.date()
            lines.append(f"VX,{symbol_of(day, is_monthly=is_monthly)},{day.isoformat()},{settle:.4f}")
        front = rows[rows["is_monthly"]].iloc[:2]
        for expiry, settle in zip(front["expiry_date"], front["settle_pts"], strict=True):
            mini = symbol_of(expiry.date(), is_monthly=True).replace("VX", "VXM")
            lines.append(f"VXM,{mini},{expiry.date().isoformat()},{settle:.4f}")
        yield f"{EVENING_FOLDER}/dt={stamp.date().isoformat()}", _lines(DAILY_SETTLEMENT_HEADER, lines)


def _context_files(market: Market) -> Iterator[tuple[str, bytes]]:
    context = market.context
    for series_id, frame in context.series.items():
        days = frame["observation_date"].dt.strftime("%Y-%m-%d")
        lines = (f"{day},{_number(value)}" for day, value in zip(days, frame["value"], strict=True))
        yield f"{SERIES_FOLDER}/id={series_id}", _lines(f"observation_date,{series_id}", lines)
    days = context.breadth["trade_date"].dt.strftime("%Y%m%d")
    for name, column in (("NYSE_advn", "advances"), ("NYSE_decln", "declines")):
        text = "".join(f"{day}, {count}\n" for day, count in zip(days, context.breadth[column], strict=True))
        yield f"{BREADTH_FOLDER}/{name}.csv", text.encode()
    for symbol, frame in context.bars.items():
        yield f"{QUOTE_FOLDER}/charts/historical/{symbol}.json", _bars_json(symbol, frame)
    for symbol, frame in context.funds.items():
        if len(frame):
            yield f"{FUND_FOLDER}/{symbol}-historical_nav.csv", _fund_file(symbol, frame)
    yield MEETINGS_FILE, render_fomc_page((*context.meetings, *context.scheduled), market.last_session)
    yield STOCKS_FILE, _stocks_file(context.stocks)


def _bars_json(symbol: str, frame: pd.DataFrame) -> bytes:
    days = frame["trade_date"].dt.strftime("%Y-%m-%d").tolist()
    names = ("open", "high", "low", "close", "volume")
    rows = zip(*(frame[name].tolist() for name in names), strict=True)
    data = [{"date": day, **dict(zip(names, row, strict=True))} for day, row in zip(days, rows, strict=True)]
    return _json({"timestamp": f"{days[-1]} 22:35:00", "symbol": symbol, "data": data})


def _fund_file(symbol: str, frame: pd.DataFrame) -> bytes:
    """Newest first, shares in thousands, as the fund house publishes it."""
    nav = frame["nav"].to_numpy()
    prior = np.concatenate([nav[:1], nav[:-1]])
    days = frame["trade_date"].dt.strftime("%m/%d/%Y")
    lines = [
        f"{day},{_FUND_NAMES[symbol]},{symbol},{now:.4f},{before:.4f},{100 * (now / before - 1):.5f},"
        f"{now - before:.4f},{shares / 1000:.3f},{now * shares:.4f}"
        for day, now, before, shares in zip(days, nav, prior, frame["shares"], strict=True)
    ]
    return _lines(FUND_HEADER, reversed(lines))


def _stocks_file(stocks: pd.DataFrame) -> bytes:
    days = stocks["month"].dt.strftime("%Y-%m-%d")
    columns = [stocks[name].tolist() for name in STOCK_COLUMNS]
    lines = (f"{day}," + ",".join(map(str, values)) for day, *values in zip(days, *columns, strict=True))
    return _lines(SHILLER_HEADER, lines)


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.10g}"


def _json(content: object, indent: int | None = None) -> bytes:
    return (json.dumps(content, indent=indent) + ("\n" if indent else "")).encode()


def _lines(header: str, lines: Iterable[str]) -> bytes:
    return ("\n".join([header, *lines]) + "\n").encode()
