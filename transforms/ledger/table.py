"""The ledger as tables: one row a session and layer, their sum as the portfolio, and the Time-Shifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from transforms.layers.codes import Layer
from transforms.ledger.account import AMOUNTS, PIECES, Account, Cents, TimeShift, build_account
from transforms.ledger.funding import WINDOWS, compute_funding_ratio, find_window_starts
from transforms.ledger.rules import CostRules
from transforms.positions.market import Marks
from transforms.positions.money import CENTS_PER_USD
from transforms.positions.walk import LayerBook

PORTFOLIO = "portfolio"
EPISODE_VIX_PTS = 25.0
"""A high-VIX episode is a run of closes from here (methodology, section 14)."""

_CUMULATED = ("pnl", "credit_received", "credit_kept", "protection_cost")

LEDGER_COLUMNS = (
    "trade_date",
    "layer",
    "pnl_usd",
    *(f"{name}_usd" for name in AMOUNTS),
    *(f"{name}_cum_usd" for name in _CUMULATED),
    *(f"self_funding_ratio_{window}" for window in WINDOWS),
    "unmarked_count",
    "is_interest_known",
)


@dataclass(frozen=True, eq=False)
class Ledger:
    """The ledger.

    Parameters
    ----------
    days
        One row a session and layer, and one a session for ``portfolio``; columns `LEDGER_COLUMNS`.
    time_shifts
        One row a Time-Shift, in order.
    """

    days: pd.DataFrame
    time_shifts: pd.DataFrame


def build_ledger(
    books: Sequence[LayerBook],
    marks: Marks,
    rules: CostRules,
    gains_rolled_frac: Sequence[float] | None = None,
    gain_roll_frac: float | Sequence[float] = 0.0,
    episode_vix_pts: float = EPISODE_VIX_PTS,
) -> Ledger:
    """Book all layers.

    Parameters
    ----------
    books
        One a layer, each layer once; layers are traded and booked apart, without netting between them.
    marks
        The prices the books were traded at.
    rules
        Costs and margin.
    gains_rolled_frac
        Of each session, from the state machine (:attr:`LayerPath.gains_rolled_frac`): where it is above 0 the
        temporal layer makes a Time-Shift. None: there are none.
    gain_roll_frac
        Part of the booked gain that a Time-Shift moves: one for all sessions, or one each.
    episode_vix_pts
        VIX from which the episode of ``self_funding_ratio_episode`` runs.

    Returns
    -------
    Ledger
        Amounts in dollars, whole cents: ``pnl_usd`` is the sum of its six pieces to the cent, and the rows of
        the layers add up to those of ``portfolio``. The meaning of every column: docs/ledger.md.

    Raises
    ------
    ValueError
        A layer twice.
    """
    names = [book.layer.value for book in books]
    if len(set(names)) < len(names):
        raise ValueError(f"each layer once, found {', '.join(names)}")
    accounts: dict[str, Account] = {}
    for book in books:
        estimates = gains_rolled_frac if book.layer == Layer.TEMPORAL_VEGA else None
        accounts[book.layer.value] = build_account(book, marks, rules, estimates, gain_roll_frac)
    sessions = len(marks.market)
    whole = {
        name: sum((account.columns[name] for account in accounts.values()), np.zeros(sessions, np.int64))
        for name in (*AMOUNTS, "unmarked", "interest_unknown")
    }
    starts = find_window_starts(marks.market.days, marks.market.vix_pts, episode_vix_pts)
    days = pd.DatetimeIndex(pd.to_datetime(list(marks.market.days))).as_unit("us")
    parts = [
        _tabulate(layer, columns, days, starts)
        for layer, columns in (*((name, accounts[name].columns) for name in names), (PORTFOLIO, whole))
    ]
    frame = pd.concat(parts, ignore_index=True)
    # stable, so that the layers of a session stay in their order with the portfolio last
    frame = frame.sort_values("trade_date", kind="stable", ignore_index=True)
    shifts = [(name, shift) for name, account in accounts.items() for shift in account.shifts]
    return Ledger(frame, _tabulate_shifts(shifts, days))


def _tabulate(
    layer: str, columns: Mapping[str, Cents], days: pd.DatetimeIndex, starts: Mapping[str, Cents]
) -> pd.DataFrame:
    cents = {name: columns[name] for name in AMOUNTS}
    cents["pnl"] = np.sum([columns[name] for name in PIECES], axis=0, dtype=np.int64)
    table: dict[str, object] = {"trade_date": days, "layer": layer}
    table |= {f"{name}_usd": amount / CENTS_PER_USD for name, amount in cents.items()}
    table |= {f"{name}_cum_usd": np.cumsum(cents[name]) / CENTS_PER_USD for name in _CUMULATED}
    for window in WINDOWS:
        ratio = compute_funding_ratio(cents["credit_kept"], cents["protection_cost"], starts[window])
        table[f"self_funding_ratio_{window}"] = ratio
    table |= {"unmarked_count": columns["unmarked"], "is_interest_known": columns["interest_unknown"] == 0}
    return pd.DataFrame(table)[list(LEDGER_COLUMNS)]


def _tabulate_shifts(shifts: Sequence[tuple[str, TimeShift]], days: pd.DatetimeIndex) -> pd.DataFrame:
    """``trade_date, from_layer, to_layer, instrument, gain_usd, rolled_usd, estimated_frac, roll_yield_frac``."""
    frame = pd.DataFrame(
        [
            (
                layer,
                Layer.SECOND_ENGINE.value,
                shift.instrument.code if shift.instrument is not None else None,
                shift.gain_cents / CENTS_PER_USD,
                shift.rolled_cents / CENTS_PER_USD,
                shift.estimated_frac,
                shift.roll_yield_frac,
            )
            for layer, shift in shifts
        ],
        columns=["from_layer", "to_layer", "instrument", "gain_usd", "rolled_usd", "estimated_frac", "roll_yield_frac"],
    )
    frame.insert(0, "trade_date", days[[shift.session for _, shift in shifts]])
    return frame
