"""The tables that the warehouse keeps of the option chain: judged quotes, expiries, sessions."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from transforms.calendar import vx_monthly_settlement_dates
from transforms.options.black76 import compute_black76_delta, compute_implied_volatility
from transforms.options.implied import (
    ParityEstimates,
    compute_discount,
    compute_years_to_settlement,
    estimate_futures,
    match_bill_rates,
)
from transforms.options.quotes import (
    DROP_REASONS,
    USABLE,
    Codes,
    QuoteColumns,
    judge_alone,
    judge_mids,
    judge_neighbours,
)
from transforms.options.rules import DEFAULT_RULES, ChainRules
from transforms.options.surface import (
    Smile,
    compute_atm_volatility,
    compute_constant_maturity,
    compute_wing_volatility,
    fit_term_exponent,
)

QUOTE_KEYS = ("trade_date", "expiry_date", "option_root", "option_right", "strike_pts")
_QUOTE_NUMBERS = ("strike_pts", "bid_pts", "ask_pts", "bid_size_contracts", "ask_size_contracts")

EXPIRY_DTYPES = {
    "trade_date": "datetime64[us]",
    "expiry_date": "datetime64[us]",
    "is_monthly": "bool",
    "is_root_by_rule": "bool",
    "calendar_days_to_expiry": "int64",
    "years_to_expiry": "float64",
    "discount_frac": "float64",
    "implied_future_pts": "float64",
    "implied_future_low_pts": "float64",
    "implied_future_high_pts": "float64",
    "strikes_used": "int64",
    "settle_pts": "float64",
    "parity_gap_pts": "float64",
    "conversion_edge_pts": "float64",
    "reversal_edge_pts": "float64",
    "atm_vol_frac": "float64",
    "vol_25d_call_frac": "float64",
    "vol_25d_put_frac": "float64",
    "skew_25d_frac": "float64",
    "quotes": "int64",
    "quotes_dropped": "int64",
    **{f"dropped_{reason}": "int64" for reason in DROP_REASONS},
    "expiry_status": "str",
}
"""Columns of the expiries, in order."""

SESSION_DTYPES = {
    "trade_date": "datetime64[us]",
    "chain_front_expiry_date": "datetime64[us]",
    "chain_implied_future_pts": "float64",
    "chain_parity_gap_pts": "float64",
    "chain_atm_vol_frac": "float64",
    "chain_skew_25d_frac": "float64",
    "chain_term_exponent": "float64",
    "chain_term_vol30_frac": "float64",
    "chain_term_r2_frac": "float64",
    "chain_term_expiries": "int64",
    "chain_expiries": "int64",
    "chain_quotes": "int64",
    "chain_quotes_dropped": "int64",
}
"""Columns of the sessions, in order."""


class ChainTables(NamedTuple):
    """Judged quotes, and what each expiry says."""

    quotes: pd.DataFrame
    expiries: pd.DataFrame


def compute_chain_tables(
    quotes: pd.DataFrame, settlements: pd.DataFrame, bill_rates: pd.DataFrame, rules: ChainRules = DEFAULT_RULES
) -> ChainTables:
    """Judge the quotes and compute futures and volatilities of every session and expiry.

    A value of a session uses its own snapshot and settlements, and bill rates of earlier days: nothing later.

    Parameters
    ----------
    quotes
        One used snapshot a session: ``trade_date``, ``expiry_date`` (datetime64), ``option_root``
        (``VIX``, ``VIXW``), ``option_right`` (``C``, ``P``), ``strike_pts``, ``bid_pts``, ``ask_pts``,
        ``bid_size_contracts``, ``ask_size_contracts`` (float64, NaN sizes are unknown). Further columns are kept.
    settlements
        ``trade_date``, ``expiry_date``, ``settle_pts`` (as ``core.daily_vx_settlements``), unique by the two.
    bill_rates
        ``observation_date``, ``bill_discount_rate_frac`` (as ``core.daily_bill_rates``).

    Returns
    -------
    quotes
        The quotes sorted by `QUOTE_KEYS`, index from 0, with ``mid_pts``, ``implied_future_pts``,
        ``implied_vol_frac`` (Black-76 of the mid), ``option_delta`` (change in points for one point of the future; all
        float64, NaN where not evaluable), ``is_out_of_the_money`` (bool) and ``drop_reason`` (text of
        `DROP_REASONS`, missing for a usable quote).
    expiries
        Grain trade_date, expiry_date; see `compute_chain_expiries`.
    """
    judged = quotes.astype({"trade_date": "datetime64[us]", "expiry_date": "datetime64[us]"})
    judged = judged.astype(dict.fromkeys(_QUOTE_NUMBERS, "float64"))
    # Puts before calls at each strike: parity looks for its pairs side by side.
    is_call = judged["option_right"].eq("C").to_numpy(dtype=bool)
    root = judged["option_root"].eq("VIXW").to_numpy(dtype=np.int64)
    # One number a (session, expiry), in their order.
    group = np.asarray(judged.groupby(["trade_date", "expiry_date"], sort=True).ngroup(), dtype=np.int64)
    order = np.lexsort((is_call, root, judged["strike_pts"].to_numpy(), group))
    judged, group, is_call = judged.iloc[order].reset_index(drop=True), group[order], is_call[order]
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else group
    expiries = judged.loc[starts, ["trade_date", "expiry_date"]].reset_index(drop=True)
    days = np.asarray((expiries["expiry_date"] - expiries["trade_date"]).dt.days, dtype=np.int64)
    years = compute_years_to_settlement(days)
    discount = compute_discount(match_bill_rates(expiries["trade_date"], bill_rates, rules), years)
    columns = QuoteColumns(
        group=group,
        days=days[group],
        strike=judged["strike_pts"].to_numpy(),
        root=np.asarray(root[order], dtype=np.int64),
        is_call=is_call,
        bid=judged["bid_pts"].to_numpy(),
        ask=judged["ask_pts"].to_numpy(),
        bid_size=judged["bid_size_contracts"].to_numpy(),
        ask_size=judged["ask_size_contracts"].to_numpy(),
        years=years[group],
        discount=discount[group],
    )
    codes = judge_neighbours(columns, judge_alone(columns))
    parity = estimate_futures(columns, codes, len(expiries), rules)
    codes = judge_mids(columns, codes, parity.future[group])
    judged, smile = _add_volatilities(judged, columns, codes, parity.future[group])
    expiries = expiries.assign(
        calendar_days_to_expiry=days, years_to_expiry=years, discount_frac=discount, **_wings(smile, len(days), rules)
    )
    expiries = _add_parity(_add_calendar(expiries, judged["option_root"].iloc[starts]), parity, settlements)
    return ChainTables(judged, _add_counts(expiries, group, codes)[list(EXPIRY_DTYPES)].astype(EXPIRY_DTYPES))


def compute_chain_expiries(
    quotes: pd.DataFrame, settlements: pd.DataFrame, bill_rates: pd.DataFrame, rules: ChainRules = DEFAULT_RULES
) -> pd.DataFrame:
    """Say what the chain says of each expiry: the table of the warehouse, grain trade_date, expiry_date.

    Parameters as `compute_chain_tables`.

    Returns
    -------
    Columns and types of `EXPIRY_DTYPES`, sorted by its first two; zero rows for no quotes. Missing is NaN.

    ``is_monthly``
        The expiry is the settlement date of a monthly VX future.
    ``is_root_by_rule``
        The root is ``VIX`` for such an expiry and ``VIXW`` for another.
    ``years_to_expiry``, ``discount_frac``
        ACT/365 from the close to the settlement morning; from the bill rate of an earlier day.
    ``implied_future_pts``, ``_low_pts``, ``_high_pts``, ``strikes_used``
        By put-call parity, with the band at which the future could be sold and bought synthetically.
    ``settle_pts``, ``parity_gap_pts``
        Settlement of the VX future of the expiry; implied future minus settlement.
    ``conversion_edge_pts``, ``reversal_edge_pts``
        What is locked in at the settlement date, per point of future and before fees, by buying the VX future
        at its settlement and selling it synthetically (low minus settlement), or the opposite (settlement minus high).
        Positive only if the settlement lies outside the band. The VX settlement is 15 minutes older than the quotes'
        close.
    ``atm_vol_frac``, ``vol_25d_call_frac``, ``vol_25d_put_frac``, ``skew_25d_frac``
        Volatilities a year. Skew is call minus put: positive when calls are the dearer, as VIX options usually have it.
    ``quotes``, ``quotes_dropped``, ``dropped_<reason>``
        Counts; reasons as `DROP_REASONS`.
    ``expiry_status``
        ``ok``, or the first that applies of ``already_settled``, ``no_bill_rate``, ``too_few_strikes``
        (no implied future), ``quotes_disagree`` (low above high: shown, not trusted), ``no_atm_volatility``.
    """
    return compute_chain_tables(quotes, settlements, bill_rates, rules).expiries


def compute_chain_sessions(expiries: pd.DataFrame, rules: ChainRules = DEFAULT_RULES) -> pd.DataFrame:
    """Say what the chain says of each session: the table of the warehouse, grain trade_date.

    Parameters
    ----------
    expiries
        Of `compute_chain_expiries`.

    Returns
    -------
    Columns and types of `SESSION_DTYPES`, sorted by session; zero rows for none. Missing is NaN or NaT.

    ``chain_front_expiry_date``
        Nearest monthly expiry with at least ``rules.front_least_days`` left; the implied future and the parity gap
        are its own, NaN if it has none.
    ``chain_atm_vol_frac``
        Volatility at the money for 30 days, linear in total variance between the expiries around; NaN beyond them.
    ``chain_skew_25d_frac``
        Skew for 30 days, linear in time between the expiries around that have one.
    ``chain_term_exponent``, ``chain_term_vol30_frac``, ``chain_term_r2_frac``, ``chain_term_expiries``
        The fit of ``sigma(T) = sigma30 (30 / days)^eta``.
    ``chain_expiries``, ``chain_quotes``, ``chain_quotes_dropped``
        Counts.
    """
    trusted = expiries[~expiries["expiry_status"].isin(["already_settled", "quotes_disagree"])]
    by_session = expiries.groupby("trade_date", sort=True)
    sessions = pd.DataFrame(
        {
            "chain_expiries": by_session["expiry_date"].count(),
            "chain_quotes": by_session["quotes"].sum(),
            "chain_quotes_dropped": by_session["quotes_dropped"].sum(),
        }
    )
    is_front = expiries["is_monthly"] & (expiries["calendar_days_to_expiry"] >= rules.front_least_days)
    front = expiries[is_front].sort_values(["trade_date", "expiry_date"]).groupby("trade_date").head(1)
    front = front.set_index("trade_date")
    is_trusted = front["expiry_status"] != "quotes_disagree"
    sessions["chain_front_expiry_date"] = front["expiry_date"]
    sessions["chain_implied_future_pts"] = front["implied_future_pts"].where(is_trusted)
    sessions["chain_parity_gap_pts"] = front["parity_gap_pts"].where(is_trusted)
    sessions["chain_atm_vol_frac"] = compute_constant_maturity(trusted, "atm_vol_frac", rules, in_total_variance=True)
    sessions["chain_skew_25d_frac"] = compute_constant_maturity(
        trusted, "skew_25d_frac", rules, in_total_variance=False
    )
    sessions = sessions.join(fit_term_exponent(trusted, rules))
    sessions["chain_term_expiries"] = sessions["chain_term_expiries"].fillna(0)
    return sessions.rename_axis("trade_date").reset_index()[list(SESSION_DTYPES)].astype(SESSION_DTYPES)


def _add_volatilities(
    judged: pd.DataFrame, columns: QuoteColumns, codes: Codes, future: np.ndarray
) -> tuple[pd.DataFrame, Smile]:
    mid = np.where(codes == USABLE, (columns.bid + columns.ask) / 2, np.nan)
    terms = (future, columns.strike, columns.years)
    volatility = compute_implied_volatility(mid, *terms, columns.discount, columns.is_call)
    delta = compute_black76_delta(*terms, volatility, columns.discount, columns.is_call)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_moneyness = np.log(columns.strike / future)
    is_out = np.where(columns.is_call, log_moneyness > 0, log_moneyness <= 0)
    at = np.flatnonzero(is_out & np.isfinite(volatility))
    reasons = np.array([None, *DROP_REASONS], dtype=object)
    judged = judged.assign(
        mid_pts=mid,
        implied_future_pts=future,
        implied_vol_frac=volatility,
        option_delta=delta,
        is_out_of_the_money=is_out,
        drop_reason=pd.Series(reasons[codes], index=judged.index, dtype="str"),
    )
    smile = Smile(columns.group[at], log_moneyness[at], columns.is_call[at], volatility[at], delta[at])
    return judged, smile


def _wings(smile: Smile, groups: int, rules: ChainRules) -> dict[str, np.ndarray]:
    call = compute_wing_volatility(smile, groups, rules, is_call=True)
    put = compute_wing_volatility(smile, groups, rules, is_call=False)
    return {
        "atm_vol_frac": compute_atm_volatility(smile, groups, rules),
        "vol_25d_call_frac": call,
        "vol_25d_put_frac": put,
        "skew_25d_frac": call - put,
    }


def _add_calendar(expiries: pd.DataFrame, roots: pd.Series) -> pd.DataFrame:
    is_monthly = np.zeros(len(expiries), dtype=bool)
    if len(expiries):
        dates = expiries["expiry_date"]
        # Whole years, so that every night asks for the same calendar. A contract settles in its own month.
        settlements = vx_monthly_settlement_dates(date(dates.min().year, 1, 1), date(dates.max().year, 12, 1))
        is_monthly = dates.isin([pd.Timestamp(entry.expiry_date) for entry in settlements]).to_numpy()
    return expiries.assign(is_monthly=is_monthly, is_root_by_rule=(roots == "VIX").to_numpy() == is_monthly)


def _add_parity(expiries: pd.DataFrame, parity: ParityEstimates, settlements: pd.DataFrame) -> pd.DataFrame:
    keys = ["trade_date", "expiry_date"]
    settled = settlements[[*keys, "settle_pts"]].astype(dict.fromkeys(keys, "datetime64[us]"))
    matched = expiries[keys].merge(settled, on=keys, how="left", validate="one_to_one")
    settle = matched["settle_pts"].to_numpy(dtype="float64")
    return expiries.assign(
        implied_future_pts=parity.future,
        implied_future_low_pts=parity.low,
        implied_future_high_pts=parity.high,
        strikes_used=parity.strikes,
        settle_pts=settle,
        parity_gap_pts=parity.future - settle,
        conversion_edge_pts=parity.low - settle,
        reversal_edge_pts=settle - parity.high,
    )


def _add_counts(expiries: pd.DataFrame, group: np.ndarray, codes: Codes) -> pd.DataFrame:
    size = len(expiries)
    by_code = np.bincount(group * (len(DROP_REASONS) + 1) + codes, minlength=size * (len(DROP_REASONS) + 1))
    table = by_code.reshape(size, -1) if size else np.zeros((0, len(DROP_REASONS) + 1), dtype=np.int64)
    dropped = {f"dropped_{reason}": table[:, number] for number, reason in enumerate(DROP_REASONS, start=1)}
    status = np.select(
        [
            expiries["calendar_days_to_expiry"] <= 0,
            expiries["discount_frac"].isna(),
            expiries["implied_future_pts"].isna(),
            expiries["implied_future_low_pts"] > expiries["implied_future_high_pts"] + 1e-9,
            expiries["atm_vol_frac"].isna(),
        ],
        ["already_settled", "no_bill_rate", "too_few_strikes", "quotes_disagree", "no_atm_volatility"],
        "ok",
    )
    counts = {"quotes": table.sum(axis=1), "quotes_dropped": table[:, 1:].sum(axis=1)}
    return expiries.assign(**counts, **dropped, expiry_status=status)
