"""The hedge in the warehouse: decided on the signals, walked through the market, and written as tables.

The states depend on the policy in force, the positions on the states, the ledger on the positions. All of it is made
here in that order, from the tables that the models made before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.calibration.matching import BETA_COLUMNS, match_betas
from transforms.hedge import CalendarListing, HedgeMarket, HedgeRun, Stretch, run_hedge
from transforms.hedge.market import build_option_market
from transforms.layers import Layer, Reading
from transforms.portfolio.book import ReturnTargets
from transforms.positions.market import build_futures_market
from transforms.registry import ColumnInfo
from warehouse.book import build_book_tables
from warehouse.hedge_states import Decided, PolicyInForce, decide_hedge, write_hedge_states
from warehouse.home import Home
from warehouse.models import count_rows, create_typed_table
from warehouse.raw_store import RawStore
from warehouse.stored_book import StoredBook, read_stored_book
from warehouse.tables import MADE_IN_PYTHON

_LISTINGS = "select trade_date, expiry_date, tenor_rank from core.daily_vx_listings"

_SETTLEMENTS = (
    "select trade_date, expiry_date, settle_pts, volume_contracts from core.daily_vx_settlements where is_monthly"
)

_SESSIONS = """
select
    curve.trade_date,
    market.vix_close_pts,
    market.bill_discount_rate_frac,
    market.spx_close_pts,
    volatility.spx_rv21_pts,
    greatest(-condor.vega_usd_per_vix_pt, 0) as protected_vega_usd,
    volatility_index.short_term_tr,
    volatility_index.short_term_base_date
from mart.daily_term_structure as curve
left join core.daily_hedge_inputs as market on market.trade_date = curve.trade_date
left join mart.daily_realised_volatility as volatility on volatility.trade_date = curve.trade_date
left join mart.daily_condor as condor on condor.trade_date = curve.trade_date
left join mart.daily_volatility_indices as volatility_index on volatility_index.trade_date = curve.trade_date
order by curve.trade_date
"""

_EXPIRIES = """
select
    listing.trade_date,
    listing.expiry_date,
    settled.settle_pts as future_pts,
    market.vvix_close_pts as vvix_pts,
    market.bill_discount_rate_frac,
    chain.atm_vol_frac,
    chain.vol_25d_call_frac,
    chain.vol_25d_put_frac,
    chain.expiry_status
from core.daily_vx_listings as listing
join core.daily_hedge_inputs as market on market.trade_date = listing.trade_date
left join core.daily_vx_settlements as settled
    on settled.trade_date = listing.trade_date and settled.expiry_date = listing.expiry_date
left join mart.daily_vix_chain as chain
    on chain.trade_date = listing.trade_date and chain.expiry_date = listing.expiry_date
order by listing.trade_date, listing.expiry_date
"""

_QUOTES = """
select
    trade_date, expiry_date, strike_pts, option_right, bid_pts, ask_pts, implied_vol_frac, is_out_of_the_money
from core.daily_vix_option_quotes
order by all
"""


def build_hedge(
    connection: duckdb.DuckDBPyConnection,
    policies: Sequence[PolicyInForce],
    columns: Mapping[str, ColumnInfo],
    home: Home | None = None,
    today: date | None = None,
) -> dict[str, int]:
    """Decide the policies, walk the hedge on the model account, and write every table of it. Return rows by table.

    Parameters
    ----------
    policies
        The policies that decide the layers, each with its first session; none means the default preset.
    columns
        The registry, which gives the tables their types.
    home, today
        Whose book is read, and the day on which; without a home the tables of the book are not made.
    """
    market = read_hedge_market(connection)
    calendars = CalendarListing(list(market.futures.days), market.options)
    decided = decide_hedge(connection, policies, calendars)
    stretches = list_stretches(decided)
    run = run_hedge(market, stretches, calendars)
    stored = StoredBook() if home is None or today is None else read_stored_book(RawStore(home), today)
    returns = ReturnTargets() if stored.book is None else stored.book.returns
    rows = write_hedge_states(connection, decided, run)
    only = run if len(stretches) == 1 else None
    tables = {
        "mart.daily_positions": run.positions,
        "mart.daily_hedge_ledger": run.ledger.days,
        "mart.time_shifts": run.ledger.time_shifts,
        "mart.hedge_trades": run.trades,
        "mart.daily_layer_valuation": run.value(returns),
        "mart.daily_reading_ledger": _compare_readings(decided, market, calendars, only),
    }
    for name, frame in tables.items():
        grain = [column.strip() for column in MADE_IN_PYTHON[name].grain.split(",")]
        create_typed_table(connection, name, frame, columns, grain)
        rows[name] = count_rows(connection, name)
    if home is not None and today is not None:
        policy_hash = decided.reigns[-1].policy_hash
        rows |= build_book_tables(connection, stored, market, stretches, policy_hash, calendars, columns)
    return rows


def read_hedge_market(connection: duckdb.DuckDBPyConnection, nav_usd: float | None = None) -> HedgeMarket:
    """Read what the hedge is walked through, over the sessions of the term structure.

    Parameters
    ----------
    nav_usd
        The account, where it is not the model's; the model condor is then scaled to it.
    """
    parameters = dict(connection.execute("select parameter, value from ref.parameters").fetchall())
    model_nav = float(parameters["model_nav_usd"])
    account = model_nav if nav_usd is None else nav_usd
    sessions = connection.execute(_SESSIONS).df()
    # A night sizes with the parameters of the newest finished week, as they were known then.
    calibrations = connection.execute("from mart.weekly_calibrations order by used_from_date").df()
    sessions = sessions.join(match_betas(sessions["trade_date"], calibrations)[list(BETA_COLUMNS)])
    settlements = connection.execute(_SETTLEMENTS).df()
    quotes = connection.execute(_QUOTES).df()

    def series(name: str) -> npt.NDArray[np.float64]:
        return sessions[name].to_numpy(dtype=np.float64, na_value=np.nan)

    return HedgeMarket(
        futures=build_futures_market(connection.execute(_LISTINGS).df(), settlements, sessions),
        options=build_option_market(
            connection.execute(_EXPIRIES).df(), quotes if len(quotes) else None, calibrations, parameters
        ),
        protected_vega_usd=series("protected_vega_usd") * (account / model_nav),
        nav_usd=account,
        parameters=parameters,
        spx_close_pts=series("spx_close_pts"),
        spx_rv21_pts=series("spx_rv21_pts"),
        short_term_tr=series("short_term_tr"),
        short_term_base_dates=[
            None if pd.isna(day) else pd.Timestamp(day).date() for day in sessions["short_term_base_date"].tolist()
        ],
        volumes=settlements[["trade_date", "expiry_date", "volume_contracts"]],
    )


def list_stretches(decided: Decided) -> list[Stretch]:
    """Return the policies that decide, each with the sessions it decides."""
    return [
        Stretch(
            machine=reign.policy.machine(),
            values=reign.policy.values,
            path=reign.path,
            span=reign.span,
            open_shorts=decided.truths.of(reign.policy, Layer.SECOND_ENGINE, "open"),
        )
        for reign in decided.reigns
    ]


def _compare_readings(
    decided: Decided, market: HedgeMarket, calendars: CalendarListing, walked: HedgeRun | None
) -> pd.DataFrame:
    """The temporal layer's ledger under each reading, by the policy of the newest session over all of them.

    Parameters
    ----------
    walked
        The walk of that policy, where it is the only one: it has the ledger of its own reading.
    """
    policy = decided.reigns[-1].policy
    parts = []
    for reading in (one.name.lower() for one in Reading):
        if walked is not None and reading == policy.machine()["reading"]:
            days = walked.ledger.days
        else:
            stretch = Stretch(
                machine=policy.machine(),
                values=policy.values,
                path=decided.paths.of(policy, reading),
                span=slice(0, len(market.futures)),
                reading=reading,
            )
            days = run_hedge(market, [stretch], calendars, [Layer.TEMPORAL_VEGA]).ledger.days
        parts.append(days[days["layer"] == Layer.TEMPORAL_VEGA.value].drop(columns="layer").assign(reading=reading))
    return pd.concat(parts, ignore_index=True)
