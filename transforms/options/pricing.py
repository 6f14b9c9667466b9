"""Prices of VIX options, frame by frame: value, band, sensitivities, and where the volatility came from.

Black-76 on the VX future of the option's own settlement date. Nothing is priced from nothing: a row without
a future, a bill rate or a volatility has no price and says so in its status.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.options.black76 import Floats, compute_black76_greeks, compute_black76_price
from transforms.options.implied import compute_discount, compute_years_to_settlement
from transforms.options.model_surface import DEFAULT_PRICING_RULES, PricingRules
from transforms.options.volatilities import calendar_days, compute_option_volatilities

VIX_OPTION_MULTIPLIER_USD = 100.0
"""Dollars a point of one VIX option (contract specification)."""

PRICED_DTYPES = {
    "trade_date": "datetime64[us]",
    "expiry_date": "datetime64[us]",
    "strike_pts": "float64",
    "right": "str",
    "calendar_days_to_expiry": "float64",
    "years_to_expiry": "float64",
    "future_pts": "float64",
    "discount_frac": "float64",
    "vol_frac": "float64",
    "vol_source": "str",
    "is_model_priced": "bool",
    "price_pts": "float64",
    "price_low_pts": "float64",
    "price_high_pts": "float64",
    "delta": "float64",
    "gamma": "float64",
    "vega": "float64",
    "theta": "float64",
    "status": "str",
}
"""Columns of priced options, in order."""

_KEYS = ["trade_date", "expiry_date"]
_NUMBERS = ("vol_frac", "price_pts", "price_low_pts", "price_high_pts", "delta", "gamma", "vega", "theta")


def price_options(
    positions: pd.DataFrame,
    market: pd.DataFrame,
    *,
    quotes: pd.DataFrame | None = None,
    calibrations: pd.DataFrame | None = None,
    rules: PricingRules = DEFAULT_PRICING_RULES,
) -> pd.DataFrame:
    """Price options after the close of their session, with what was known then.

    Parameters
    ----------
    positions
        ``trade_date``, ``expiry_date`` (datetime64), ``strike_pts``, ``right`` (``C`` or ``P``). Further columns
        are ignored.
    market
        Unique by ``trade_date``, ``expiry_date``: ``future_pts`` (settlement of the VX future that settles on
        that date), ``vvix_pts`` (of that session), ``bill_discount_rate_frac`` (newest known then). Optional,
        as in ``mart.daily_vix_chain``: ``atm_vol_frac``, ``vol_25d_call_frac``, ``vol_25d_put_frac``,
        ``expiry_status``.
    quotes
        As ``core.daily_vix_option_quotes``: ``trade_date``, ``expiry_date``, ``strike_pts``,
        ``implied_vol_frac``, ``is_out_of_the_money``.
    calibrations
        Weekly calibrations: see `transforms.options.model_surface.match_calibrations`.

    Returns
    -------
    One row a position, in order and with its index; columns and types of `PRICED_DTYPES`.

    ``years_to_expiry``, ``discount_frac``
        From the close to the settlement morning, ACT/365; from the bill rate, one for all terms.
    ``vol_frac``, ``vol_source``
        Volatility a year, and ``chain``, ``calibrated_model`` or ``model``: see `compute_option_volatilities`.
    ``price_pts``, ``price_low_pts``, ``price_high_pts``
        Value, and values at a volatility lower and higher by the band of the rules.
    ``delta``, ``gamma``, ``vega``, ``theta``
        As `transforms.options.black76.Greeks`: vega for 1.00 of volatility, theta a calendar day.
    ``status``
        ``ok``, or the first that applies of ``bad_option`` (no strike, right or date that can be), ``settled``
        (the settlement morning is not after the session: see `settle_options`), ``no_future``,
        ``no_bill_rate``, ``no_volatility``. The numbers are NaN unless ``ok``.

    Raises
    ------
    KeyError, pandas.errors.MergeError
        If a column is missing; if the market has an expiry twice.
    """
    asked = positions[[*_KEYS, "strike_pts", "right"]].reset_index(drop=True)
    asked = asked.astype(dict.fromkeys(_KEYS, "datetime64[us]") | {"strike_pts": "float64"})
    known = market.astype(dict.fromkeys(_KEYS, "datetime64[us]")).dropna(subset=_KEYS).reset_index(drop=True)
    known = known.assign(group=np.arange(len(known)))
    frame = asked.merge(
        known[[*_KEYS, "group", "future_pts", "vvix_pts", "bill_discount_rate_frac"]],
        on=_KEYS,
        how="left",
        validate="many_to_one",
    )
    frame["group"] = frame["group"].fillna(-1).astype("int64")
    days = calendar_days(frame)
    years = compute_years_to_settlement(days)
    future = frame["future_pts"].to_numpy(dtype=float)
    strike = frame["strike_pts"].to_numpy(dtype=float)
    rate = frame["bill_discount_rate_frac"].to_numpy(dtype=float)
    frame = frame.assign(calendar_days_to_expiry=days, years_to_expiry=years)
    volatility = compute_option_volatilities(frame, known, quotes, calibrations, rules)
    discount = compute_discount(rate, years)
    is_call = (frame["right"] == "C").to_numpy(dtype=bool)
    is_option = frame["right"].isin(["C", "P"]).to_numpy(dtype=bool) & np.isfinite(strike) & (strike > 0)
    status = np.select(
        [
            ~is_option | ~np.isfinite(days),
            days <= 0,
            ~(np.isfinite(future) & (future > 0)),
            ~np.isfinite(discount),
            ~np.isfinite(volatility.vol_frac),
        ],
        ["bad_option", "settled", "no_future", "no_bill_rate", "no_volatility"],
        "ok",
    )
    is_ok = status == "ok"
    sigma = np.where(is_ok, volatility.vol_frac, np.nan)
    greeks = compute_black76_greeks(future, strike, years, sigma, discount, is_call)
    band = np.where(volatility.is_chain, rules.option_chain_vol_band_frac, rules.option_vol_band_frac)
    low, high = (
        compute_black76_price(future, strike, years, sigma * (1 + side * band), discount, is_call) for side in (-1, 1)
    )
    source = np.where(volatility.is_chain, "chain", np.where(volatility.is_calibrated, "calibrated_model", "model"))
    priced = frame.assign(
        discount_frac=discount,
        vol_frac=sigma,
        vol_source=pd.Series(source, dtype="str").where(is_ok),
        is_model_priced=is_ok & ~volatility.is_chain,
        price_low_pts=low,
        price_high_pts=high,
        status=status,
        **{f"{name}_pts" if name == "price" else name: value for name, value in greeks._asdict().items()},
    )
    return _finish(priced, positions.index)


def settle_options(positions: pd.DataFrame, finals: pd.DataFrame) -> pd.DataFrame:
    """Pay out options at their settlement.

    Parameters
    ----------
    positions
        As `price_options`; ``trade_date`` is the session of the settlement or a later one.
    finals
        ``expiry_date`` (unique), ``final_settlement_pts``: VRO, the special opening quotation.

    Returns
    -------
    As `price_options`: ``price_pts`` is the payoff, with both ends of the band; ``future_pts`` the final settlement;
    no time, volatility or sensitivities are left. ``status`` is ``settled``; ``bad_option``; ``not_settled`` before
    the settlement date; ``no_final_settlement``.
    """
    asked = positions[[*_KEYS, "strike_pts", "right"]].reset_index(drop=True)
    asked = asked.astype(dict.fromkeys(_KEYS, "datetime64[us]") | {"strike_pts": "float64"})
    known = finals[["expiry_date", "final_settlement_pts"]].astype({"expiry_date": "datetime64[us]"})
    frame = asked.merge(known.dropna(), on="expiry_date", how="left", validate="many_to_one")
    final = frame["final_settlement_pts"].to_numpy(dtype=float)
    strike = frame["strike_pts"].to_numpy(dtype=float)
    days = calendar_days(frame)
    is_option = frame["right"].isin(["C", "P"]).to_numpy(dtype=bool) & np.isfinite(strike) & (strike > 0)
    status = np.select(
        [~is_option | ~np.isfinite(days), days > 0, ~np.isfinite(final)],
        ["bad_option", "not_settled", "no_final_settlement"],
        "settled",
    )
    payoff = compute_settlement_payoff(final, strike, (frame["right"] == "C").to_numpy(dtype=bool))
    payoff = np.where(status == "settled", payoff, np.nan)
    paid = frame.assign(
        calendar_days_to_expiry=days,
        years_to_expiry=np.where(status == "settled", 0.0, np.nan),
        future_pts=final,
        discount_frac=1.0,
        vol_source=pd.Series(np.nan, index=frame.index, dtype="str"),
        is_model_priced=False,
        status=status,
        **dict.fromkeys(_NUMBERS, np.nan),
    ).assign(price_pts=payoff, price_low_pts=payoff, price_high_pts=payoff)
    return _finish(paid, positions.index)


def compute_settlement_payoff(
    final_settlement_pts: npt.ArrayLike, strike_pts: npt.ArrayLike, is_call: npt.ArrayLike
) -> Floats:
    """Cash paid at the settlement, in points: ``max(VRO - K, 0)``, for puts ``max(K - VRO, 0)``; NaN without VRO.

    Dollars a contract are `VIX_OPTION_MULTIPLIER_USD` times as much.
    """
    final, strike = np.asarray(final_settlement_pts, dtype=float), np.asarray(strike_pts, dtype=float)
    return np.asarray(np.maximum(np.where(np.asarray(is_call, dtype=bool), final - strike, strike - final), 0.0))


def reprice_with(
    priced: pd.DataFrame,
    *,
    future_pts: npt.ArrayLike | None = None,
    vol_frac: npt.ArrayLike | None = None,
    years_to_expiry: npt.ArrayLike | None = None,
    discount_frac: npt.ArrayLike | None = None,
) -> Floats:
    """Price the options of a priced frame again with one input or several moved, the others unchanged.

    Parameters
    ----------
    priced
        Of `price_options`.
    future_pts, vol_frac, discount_frac
        One for all or one a row.
    years_to_expiry
        Without a discount of its own, the discount follows at the same rate: ``discount^(new/old)``.

    Returns
    -------
    Values in points, one a row; NaN where a row or its new input has no price.
    """
    old_years = priced["years_to_expiry"].to_numpy(dtype=float)
    old_discount = priced["discount_frac"].to_numpy(dtype=float)
    years = old_years if years_to_expiry is None else np.asarray(years_to_expiry, dtype=float)
    if discount_frac is not None:
        discount = np.asarray(discount_frac, dtype=float)
    elif years_to_expiry is None:
        discount = old_discount
    else:
        with np.errstate(all="ignore"):
            discount = np.asarray(old_discount ** (years / old_years))
    return compute_black76_price(
        priced["future_pts"].to_numpy(dtype=float) if future_pts is None else future_pts,
        priced["strike_pts"].to_numpy(dtype=float),
        years,
        priced["vol_frac"].to_numpy(dtype=float) if vol_frac is None else vol_frac,
        discount,
        (priced["right"] == "C").to_numpy(dtype=bool),
    )


def attribute_moves(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Split the change of each option's value into its causes, which add up to it.

    One input after the other is moved from its old to its new value, in this order, and each piece is the
    difference it makes: first time passes, then the future moves, then the volatility, then the rate.

    Parameters
    ----------
    before
        Of `price_options`, on the first session.
    after
        Of `price_options` or `settle_options`, of the same options in the same order, on the later session.

    Returns
    -------
    One row an option, with the index of ``before``, float64 points of one long option, NaN where either has no price:

    ``theta_pts``
        Time alone, at the old future, volatility and rate.
    ``future_move_pts``
        The future's move to its new value, or to the final settlement: delta and gamma.
    ``volatility_move_pts``
        The move of this option's volatility; in the model that includes its change with the days left
        and with the distance from the money. 0 at the settlement.
    ``rate_move_pts``
        What the new bill rate makes.
    ``total_pts``
        Value after less value before.
    ``is_vol_source_changed``
        The two volatilities come from different sources: part of the move is the change of source.

    Raises
    ------
    ValueError
        If the rows are not the same options, or ``after`` is of an earlier session.
    """
    keys = ["expiry_date", "strike_pts", "right"]
    if len(before) != len(after) or not before[keys].reset_index(drop=True).equals(after[keys].reset_index(drop=True)):
        raise ValueError("before and after are not the same options in the same order")
    if (after["trade_date"].to_numpy() < before["trade_date"].to_numpy()).any():
        raise ValueError("after is of an earlier session than before")
    is_settled = (after["status"] == "settled").to_numpy(dtype=bool)
    old, years = before["price_pts"].to_numpy(), after["years_to_expiry"].to_numpy()
    future, volatility = after["future_pts"].to_numpy(), after["vol_frac"].to_numpy()
    new = after["price_pts"].to_numpy()
    after_time = reprice_with(before, years_to_expiry=years)
    after_future = reprice_with(before, years_to_expiry=years, future_pts=future)
    after_volatility = np.where(
        is_settled,
        after_future,
        reprice_with(before, years_to_expiry=years, future_pts=future, vol_frac=volatility),
    )
    pieces = {
        "theta_pts": after_time - old,
        "future_move_pts": after_future - after_time,
        "volatility_move_pts": after_volatility - after_future,
        "rate_move_pts": new - after_volatility,
        "total_pts": new - old,
    }
    # A piece alone, without the others, would look like a small change.
    is_whole = np.isfinite(np.column_stack(list(pieces.values()))).all(axis=1)
    is_changed = before["vol_source"].to_numpy() != after["vol_source"].to_numpy()
    return pd.DataFrame(
        {name: np.where(is_whole, value, np.nan) for name, value in pieces.items()}
        | {"is_vol_source_changed": is_whole & ~is_settled & np.asarray(is_changed, dtype=bool)},
        index=before.index,
    )


def _finish(frame: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    return frame[list(PRICED_DTYPES)].astype(PRICED_DTYPES).set_axis(index, axis=0)
