"""The history in slices: by volatility, curve, crisis, cycle, valuation, events and settlement time.

A slice is chosen by what was known at the close before its session; dates of releases and crises are dates. It is
resampled by calendar month: all of a month's sessions in the slice are drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from transforms.audit.bootstrap import Estimate, bootstrap_ratio
from transforms.audit.crises import Crisis, list_crises
from transforms.audit.episodes import sum_by_label
from transforms.audit.history import Bools, Floats, Ints, PolicyHistory, lag_values
from transforms.audit.rules import DEFAULT_RULES, AuditRules
from transforms.ledger.table import PORTFOLIO

SETTLEMENT_CHANGE = date(2020, 10, 26)
"""First session whose daily settlement was at 3:00 pm Chicago time, before it was 3:15 (methodology, section 1)."""

VOL_EDGES_PTS = (15.0, 20.0, 25.0, 30.0)
CURVE_EDGES_FRAC = (0.0, 0.03, 0.08)
CURVE_STATES = ("backwardation", "flat", "contango", "steep")
"""As in ``mart.daily_term_structure`` (methodology, section 3)."""

SLICE_COLUMNS = (
    *("slice_group", "slice", "sessions", "months", "pnl_usd", "mean_frac_year"),
    *("interval_low", "interval_high", "interval_low_95", "interval_high_95", "is_enough", "note"),
)

_WORDS = {
    "gdp_cycle": "output cycle",
    "nber_phase": "recession",
    "is_pe_compressing": "P/E compression",
    "is_fomc_window": "FOMC window",
    "is_cpi_window": "CPI window",
    "is_ppi_window": "PPI window",
}
_KNOWN_AHEAD = ("is_fomc_window", "is_cpi_window", "is_ppi_window")
"""Dates of releases are published before them: the session's own value was known at the close before."""

_Slice = tuple[str, str, Bools | None, str]
"""Group, name, sessions in it (None: cannot be told), and why not."""


def build_slices(
    history: PolicyHistory,
    layer: str = PORTFOLIO,
    rules: AuditRules = DEFAULT_RULES,
    crises: Sequence[Crisis] | None = None,
) -> pd.DataFrame:
    """Measure the P&L of a layer in every slice.

    Parameters
    ----------
    history
        What the policy did.
    layer
        Of the ledger.
    rules
        Fewest months for a mean to be read as one, and resampling.
    crises
        None: those of ``crises.toml``.

    Returns
    -------
    DataFrame
        `SLICE_COLUMNS`. ``mean_frac_year``: P&L after costs, without interest, over the account, a year of 252 such
        sessions. ``is_enough`` is false, and ``note`` says why, where a slice has fewer than ``fewest_episodes``
        months, no session, or no data; its interval is shown where there are two months, and decides nothing.
    """
    rows = []
    values = np.column_stack(
        [history.net_pnl_usd(layer) / history.nav_usd, np.full(len(history.days), 1 / rules.sessions_per_year)]
    )
    months: Ints = (history.days.year * 12 + history.days.month).to_numpy(np.int64)
    pnl = history.net_pnl_usd(layer)
    for group, name, inside, why in _list_slices(history, list_crises() if crises is None else crises):
        if inside is None:
            rows.append(_row(group, name, 0, math.nan, Estimate(value=math.nan, count=0), False, why))
            continue
        chosen = inside & history.counted
        sums = sum_by_label(np.where(inside, months, -1), values, history.counted)
        estimate = bootstrap_ratio(sums[:, 0], sums[:, 1], rules.resampling, "months")
        note = estimate.note
        if not chosen.any():
            note = "no session"
        elif estimate.count < rules.fewest_episodes:
            note = f"too few: {estimate.count} months, {rules.fewest_episodes} are needed"
        total = float(pnl[chosen].sum()) if chosen.any() else math.nan
        rows.append(_row(group, name, int(chosen.sum()), total, estimate, not note, note))
    return pd.DataFrame(rows, columns=list(SLICE_COLUMNS))


def _row(
    group: str, name: str, sessions: int, pnl_usd: float, estimate: Estimate, is_enough: bool, note: str
) -> tuple[object, ...]:
    # an open end of two or three months is no number to print
    ends = (
        end if math.isfinite(end) else math.nan
        for end in (estimate.low_80, estimate.high_80, estimate.low_95, estimate.high_95)
    )
    return (group, name, sessions, estimate.count, pnl_usd, estimate.value, *ends, is_enough, note)


def _list_slices(history: PolicyHistory, crises: Sequence[Crisis]) -> Iterator[_Slice]:
    days = history.days
    yield "all", "all sessions", np.ones(len(days), np.bool_), ""
    vix = lag_values(history.sessions["vix_close_pts"].to_numpy(np.float64))
    yield from _cut("VIX at the close before", vix, VOL_EDGES_PTS, _name_levels(VOL_EDGES_PTS))
    contango = lag_values(history.sessions["contango_frac"].to_numpy(np.float64))
    yield from _cut("curve at the close before", contango, CURVE_EDGES_FRAC, CURVE_STATES)
    for crisis in crises:
        inside = crisis.covers(days)
        yield "crisis", crisis.name, inside, ""
        yield "without crisis", crisis.name, ~inside, ""
    yield "without crisis", "any of them", ~np.any([crisis.covers(days) for crisis in crises], axis=0), ""
    for column, words in _WORDS.items():
        yield from _split(history, column, words)
    changed: Bools = np.asarray(days >= pd.Timestamp(SETTLEMENT_CHANGE))
    yield "settlement time", f"before {SETTLEMENT_CHANGE}", ~changed, ""
    yield "settlement time", f"from {SETTLEMENT_CHANGE}", changed, ""


def _cut(group: str, values: Floats, edges: Sequence[float], names: Sequence[str]) -> Iterator[_Slice]:
    known = ~np.isnan(values)
    # edges belong to the bucket above them, as in SQL
    bucket = np.searchsorted(np.asarray(edges), values, side="right")
    for number, name in enumerate(names):
        yield group, name, known & (bucket == number), ""
    yield group, "unknown", ~known, ""


def _split(history: PolicyHistory, column: str, words: str) -> Iterator[_Slice]:
    if column not in history.sessions:
        yield words, "any", None, f"{column} was not given"
        return
    values = history.sessions[column].astype(object).where(history.sessions[column].notna(), None)
    if column not in _KNOWN_AHEAD:
        values = values.shift(1).astype(object).where(lambda shifted: shifted.notna(), None)
    is_unknown: Bools = values.isna().to_numpy(np.bool_)
    for value in sorted({str(one) for one in values[~is_unknown]}):
        name = {"True": "inside", "False": "outside"}.get(value, value) if column.startswith("is_") else value
        yield words, name, (values.astype(str) == value).to_numpy(np.bool_) & ~is_unknown, ""
    yield words, "unknown", is_unknown, ""


def _name_levels(edges: Sequence[float]) -> list[str]:
    inner = [f"{low:g}-{high:g}" for low, high in pairwise(edges)]
    return [f"<{edges[0]:g}", *inner, f">={edges[-1]:g}"]
