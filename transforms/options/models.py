"""The option chain as models of the warehouse: one frame in, one table out.

A model's SELECT gives one frame; here it is taken apart into what the computations ask for.
"""

from __future__ import annotations

import pandas as pd

from transforms.options.snapshots import choose_snapshots
from transforms.options.tables import ChainTables, compute_chain_sessions, compute_chain_tables

_QUOTE_COLUMNS = [
    "trade_date",
    "expiry_date",
    "option_symbol",
    "option_root",
    "option_right",
    "strike_pts",
    "bid_pts",
    "ask_pts",
    "bid_size_contracts",
    "ask_size_contracts",
    "volume_contracts",
    "open_interest_contracts",
    "published_iv_frac",
    "mid_pts",
    "implied_vol_frac",
    "option_delta",
    "is_out_of_the_money",
    "drop_reason",
]


def compute_snapshot_sessions(snapshots: pd.DataFrame) -> pd.DataFrame:
    """Say which session each snapshot is of, and whether it is used (see `choose_snapshots`).

    Returns
    -------
    ``snapshot_at_utc``, ``trade_date``, ``snapshot_status``, ``is_in_extended_hours``.
    """
    return choose_snapshots(snapshots).rename(columns={"status": "snapshot_status"})


def compute_option_quotes(quotes: pd.DataFrame) -> pd.DataFrame:
    """Judge every quote of the used snapshots and give the usable ones volatility and delta.

    Parameters
    ----------
    quotes
        One row an option and session, with the settlement of the future of its expiry (``settle_pts``) and the
        newest bill rate known on the evening (``bill_observation_date``, ``bill_discount_rate_frac``) beside it.

    Returns
    -------
    Grain trade_date, option_symbol; see `compute_chain_tables`.
    """
    return _compute(quotes).quotes[_QUOTE_COLUMNS]


def compute_option_expiries(quotes: pd.DataFrame) -> pd.DataFrame:
    """Say what the chain says of each expiry; parameters as `compute_option_quotes`.

    Returns
    -------
    Grain trade_date, expiry_date; see `compute_chain_expiries`.
    """
    return _compute(quotes).expiries


def compute_option_sessions(expiries: pd.DataFrame) -> pd.DataFrame:
    """Say what the chain says of each session (see `compute_chain_sessions`)."""
    return compute_chain_sessions(expiries)


def _compute(quotes: pd.DataFrame) -> ChainTables:
    settlements = quotes[["trade_date", "expiry_date", "settle_pts"]].drop_duplicates().dropna()
    rates = quotes[["bill_observation_date", "bill_discount_rate_frac"]].drop_duplicates().dropna()
    return compute_chain_tables(
        quotes, settlements, rates.rename(columns={"bill_observation_date": "observation_date"})
    )
