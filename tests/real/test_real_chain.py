"""What fourteen real quotes of the chain must give. No list of market values: a few oracle figures."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from transforms.calendar import vx_monthly_settlement_dates
from transforms.options.chain import ParsedChain, build_quotes_frame, parse_option_chain
from transforms.options.snapshots import choose_snapshots
from transforms.options.tables import ChainTables, compute_chain_tables

pytestmark = pytest.mark.real

OCTOBER = date(2026, 10, 21)
# "Near 18.1", from the differences of calls and puts around it.
OCTOBER_FUTURE_PTS = 18.1
# About what bills paid then; the future hardly depends on it.
BILL_RATE = 0.037


@pytest.fixture(scope="module")
def chain(real_data: Path) -> ParsedChain:
    path = real_data / "mirror/cdn.cboe.com/api/global/delayed_quotes/options/_VIX.json"
    if not path.is_file():
        pytest.skip(f"no option chain at {path}")
    return parse_option_chain(path.read_bytes())


@pytest.fixture(scope="module")
def chosen(chain: ParsedChain) -> pd.DataFrame:
    stamps = {"snapshot_at_utc": [chain.snapshot_at_utc], "index_at_utc": [chain.index_at_utc]}
    return choose_snapshots(pd.DataFrame(stamps))


@pytest.fixture(scope="module")
def tables(chain: ParsedChain, chosen: pd.DataFrame) -> ChainTables:
    (session,) = chosen["trade_date"]
    quotes = build_quotes_frame(chain).assign(trade_date=session)
    settlements = pd.DataFrame({"trade_date": [], "expiry_date": [], "settle_pts": []})
    bills = pd.DataFrame({"observation_date": [session - pd.Timedelta(days=1)], "bill_discount_rate_frac": [BILL_RATE]})
    return compute_chain_tables(quotes, settlements, bills)


def test_every_entry_is_read(chain: ParsedChain) -> None:
    assert (len(chain.quotes), chain.refused) == (14, ())
    assert chain.snapshot_at_utc == datetime(2026, 9, 5, 3, 44, 41, tzinfo=UTC)


def test_snapshot_belongs_to_the_friday_before_labor_day(chosen: pd.DataFrame) -> None:
    row = chosen.iloc[0]
    assert (row["trade_date"].date(), row["status"]) == (date(2026, 9, 4), "used")
    assert not row["is_in_extended_hours"]


def test_symbol_date_of_a_monthly_is_the_settlement_date_of_the_future(chain: ParsedChain) -> None:
    rule = {entry.expiry_date for entry in vx_monthly_settlement_dates(date(2026, 8, 1), date(2026, 12, 1))}
    assert {quote.expiry_date for quote in chain.quotes if quote.option_root == "VIX"} == {OCTOBER}
    assert rule >= {OCTOBER}
    assert not rule & {quote.expiry_date for quote in chain.quotes if quote.option_root == "VIXW"}


def test_implied_future_of_october_is_that_of_the_quotes(tables: ChainTables) -> None:
    october = tables.expiries.set_index("expiry_date").loc[pd.Timestamp(OCTOBER)]
    assert october["implied_future_pts"] == pytest.approx(OCTOBER_FUTURE_PTS, abs=0.03)
    assert october["implied_future_low_pts"] < OCTOBER_FUTURE_PTS < october["implied_future_high_pts"]
    assert (october["strikes_used"], october["quotes_dropped"]) == (5, 0)


def test_volatilities_agree_with_the_published_ones(tables: ChainTables) -> None:
    october = tables.quotes[tables.quotes["expiry_date"] == pd.Timestamp(OCTOBER)]
    # the publisher's are of its own theoretical values and time to expiry
    gap = (october["implied_vol_frac"] - october["published_iv_frac"]).abs()
    assert gap.max() < 0.01


def test_weekly_with_worthless_puts_has_no_future(tables: ChainTables) -> None:
    weekly = tables.expiries.iloc[0]
    assert (weekly["expiry_status"], weekly["dropped_no_bid"]) == ("too_few_strikes", 2)
