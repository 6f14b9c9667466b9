"""What surrounds the hedge on a session: breadth, volatility, Big Top, events, macro, option chain.

Everything is a column of ``mart.daily_signals`` as it was known on the evening of the session; a value that is
missing has the status word of ``mart.daily_signal_gaps``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.explain.words import say_value
from transforms.page.tables import make_cell, make_column, make_row, make_table
from transforms.page.text import say_count, say_date, to_date, to_plain
from transforms.report.links import signal_href

_STATUS_WORDS = {"absent": "absent", "stale": "stale", "warming_up": "warming up"}


@dataclass(frozen=True)
class Entry:
    """One line: a column, its label, and the columns that belong to it.

    Attributes
    ----------
    known
        Prefix of ``<known>_known_date`` and ``<known>_known_basis``.
    event
        Name inside ``sessions_to_<event>``, for a line that is a date ahead.
    basis
        Column that says how a date ahead is known.
    flag
        Column that says whether the value meets a condition.
    """

    column: str
    label: str
    known: str = ""
    event: str = ""
    basis: str = ""
    flag: str = ""


@dataclass(frozen=True)
class Group:
    """Lines that are read together."""

    name: str
    title: str
    entries: tuple[Entry, ...]


GROUPS = (
    Group("breadth", "Breadth", (
        Entry("ad_divergence_z", "Divergence from the index, z", flag="is_ad_divergence_meaningful"),
        Entry("breadth_source", "Source"),
    )),
    Group("vvix", "Volatility of volatility", (
        Entry("vvix_close_pts", "VVIX"),
        Entry("vvix_rsi14", "RSI of VVIX, 14 sessions"),
        Entry("is_vvix_overheated", "Overheated"),
        Entry("is_vvix_extreme", "Extreme"),
    )),
    Group("realised", "Realised volatility", (
        Entry("spx_rv21_pts", "S&P 500, 21 sessions"),
        Entry("rv_excursion_z", "Excursion, z against a year"),
        Entry("rv_excursions", "Excursions"),
        Entry("vrp_pts", "VIX less realised"),
        Entry("edr_frac", "Expected daily range"),
    )),
    Group("big_top", "Big Top", (
        Entry("spx_from_high_frac", "S&P 500 from its high", flag="is_spx_near_high"),
        Entry("spx_rsi14", "RSI of the S&P 500", flag="is_spx_overbought"),
        Entry("vix_over_rv21_frac", "VIX over realised", flag="is_vix_rich"),
        Entry("contango_frac", "Contango", flag="is_contango_rich"),
        Entry("is_big_top", "All four"),
    )),
    Group("events", "Events ahead", (
        Entry("next_fomc_date", "FOMC decision", event="fomc_decision", basis="next_fomc_basis"),
        Entry("next_fomc_minutes_date", "FOMC minutes", event="fomc_minutes"),
        Entry("next_cpi_date", "CPI release", event="cpi_release", basis="next_cpi_basis"),
        Entry("next_ppi_date", "PPI release", event="ppi_release", basis="next_ppi_basis"),
        Entry("is_macro_event_window", "In an event window"),
    )),
    Group("prices", "Consumer and producer prices", (
        Entry("cpi_yoy_frac", "CPI over a year", known="cpi"),
        Entry("cpi_surprise_z", "CPI surprise, z", known="cpi"),
        Entry("ppi_yoy_frac", "PPI over a year", known="ppi"),
        Entry("ppi_surprise_z", "PPI surprise, z", known="ppi"),
    )),
    Group("output", "Output", (
        Entry("gdp_growth_yoy_frac", "Real GDP over a year", known="gdp"),
        Entry("gdp_cycle", "GDP cycle", known="gdp"),
        Entry("nber_phase", "NBER phase, as announced", known="nber"),
    )),
    Group("rates", "Rates and the dollar", (
        Entry("bill_discount_rate_frac", "91-day bill", known="bill"),
        Entry("policy_rate_frac", "Federal funds", known="policy"),
        Entry("reer_change_3m_log", "Broad real dollar, 3 months, log", known="reer"),
        Entry("reer_shift_z", "Broad real dollar, z", known="reer"),
    )),
    Group("valuation", "Valuation and funds", (
        Entry("pe_ttm_ratio", "S&P 500 price over earnings", known="pe"),
        Entry("pe_change_12m_frac", "Change over 12 months", known="pe", flag="is_pe_compressing"),
        Entry("sector_price_to_cash_flow_ratio", "Sectors, price over cash flow", known="sector"),
        Entry("vol_etp_net_assets_usd", "Volatility funds, net assets"),
        Entry("etp_launches_12m", "Volatility products launched, 12 months"),
    )),
    Group("chain", "VIX option chain", (
        Entry("chain_parity_gap_pts", "Parity: implied future less VX"),
        Entry("chain_implied_future_pts", "Implied future"),
        Entry("chain_atm_vol_frac", "Volatility at the money, 30 days"),
        Entry("chain_skew_25d_frac", "Skew, 25 delta"),
        Entry("chain_term_exponent", "Term exponent"),
    )),
    Group("sensitivities", "Sensitivities", (
        Entry("vx1_beta_ratio", "VX1 to VIX"),
        Entry("vx2_beta_ratio", "VX2 to VIX"),
        Entry("vix_spx_beta_ratio", "VIX to S&P 500"),
        Entry("reit_vix_corr", "REITs and VIX, correlation"),
    )),
)  # fmt: skip
_FLAG_WORDS = {
    "is_ad_divergence_meaningful": ("meaningful", "not meaningful"),
    "is_pe_compressing": ("compressing", "not compressing"),
}
_SOURCES = {"nyse_counts": "NYSE counts", "rsp_spy_proxy": "RSP over SPY, a proxy", "none": "none"}


def build_context_state(signals: Mapping[str, Any], gaps: Mapping[str, str]) -> dict[str, Any]:
    """Return ``context`` of ``hedge-state.json``: by group, values by column and what is missing.

    Returns
    -------
    dict
        Group to ``values`` (column to number, text, flag or None), ``missing`` (column to ``absent``, ``stale``
        or ``warming_up``) and ``known`` (block to ``date`` and ``basis``).
    """
    return {
        group.name: {
            "values": {column: to_plain(signals.get(column)) for column in _columns(group)},
            "missing": {
                column: gaps.get(column, "absent") for column in _columns(group) if signals.get(column) is None
            },
            "known": {
                known: {
                    "date": to_plain(signals.get(f"{known}_known_date")),
                    "basis": to_plain(signals.get(f"{known}_known_basis")),
                }
                for known in dict.fromkeys(entry.known for entry in group.entries if entry.known)
            },
        }
        for group in GROUPS
    }


def build_context_tables(
    signals: Mapping[str, Any], gaps: Mapping[str, str], units: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return one table a group: label, value and the words beside it; of the dates ahead those that are not known."""
    tables = []
    for group in GROUPS:
        rows = []
        for entry in group.entries:
            value = signals.get(entry.column)
            if value is None:
                status = gaps.get(entry.column, "absent")
                rows.append(_row(entry, _STATUS_WORDS.get(status, status), "", "missing"))
            elif not entry.event:  # dates ahead stand in the calendar
                text, tone = _say(entry.column, value, units)
                rows.append(_row(entry, text, _note(entry, signals), tone))
        columns = [make_column(group.title), make_column("Value"), make_column("Note")]
        tables.append({"name": group.name, "title": group.title, "table": make_table(columns, rows, [])})
    return tables


def _columns(group: Group) -> list[str]:
    found = []
    for entry in group.entries:
        more = [f"sessions_to_{entry.event}"] if entry.event else []
        found += [entry.column, *more, *(column for column in (entry.basis, entry.flag) if column)]
    return found


def _row(entry: Entry, text: str, note: str, tone: str) -> dict[str, Any]:
    return make_row(make_cell(entry.label, href=signal_href(entry.column)), make_cell(text, tone=tone), make_cell(note))


def _say(column: str, value: Any, units: Mapping[str, str]) -> tuple[str, str]:
    if isinstance(value, bool):
        return ("yes", "warn") if value else ("no", "")
    if column == "breadth_source":
        return _SOURCES.get(value, str(value)), "missing" if value == "none" else ""
    if column == "vol_etp_net_assets_usd":
        return f"${value / 1e6:,.0f} million", ""
    if column == "spx_rv21_pts":
        return f"{value:.2f} pts", ""
    if isinstance(value, str):
        return value.replace("_", " "), ""
    if to_plain(value) != value:  # a date
        return say_date(value, weekday=True), ""
    return say_value(value, units.get(column, "")), ""


def _note(entry: Entry, signals: Mapping[str, Any]) -> str:
    words = []
    if entry.event:
        left = signals.get(f"sessions_to_{entry.event}")
        if left is not None:
            words.append("this session" if left == 0 else f"in {say_count(int(left), 'session')}")
        if entry.basis and signals.get(entry.basis) not in (None, "published"):
            words.append(str(signals[entry.basis]))
    if entry.flag and signals.get(entry.flag) is not None:
        is_so = bool(signals[entry.flag])
        words.append(_FLAG_WORDS.get(entry.flag, ("met", "not met"))[0 if is_so else 1])
    if entry.known and to_date(signals.get(f"{entry.known}_known_date")):
        known = f"known since {say_date(signals[f'{entry.known}_known_date'])}"
        basis = signals.get(f"{entry.known}_known_basis")
        words.append(f"{known} ({str(basis).replace('_', ' ')})" if basis not in (None, "published") else known)
    return ", ".join(words)
