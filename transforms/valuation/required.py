"""Required return of a layer: Treasury bill, plus beta times the equity premium, plus the variance premium it bears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.valuation.capital import compute_bill_growth
from transforms.valuation.holdings import NOTHING_HELD, Holdings
from transforms.valuation.horizon import compute_betas_at
from transforms.valuation.measure import Flags, Floats, Ints, Measured, is_noted, judge, slide_windows
from transforms.valuation.rules import ValuationRules

DAYS_A_YEAR = 365


@dataclass(frozen=True, eq=False)
class Betas:
    """Rolling regression of a layer on the S&P 500.

    Parameters
    ----------
    beta
        Slope: excess return of the layer's capital for one of the index.
    standard_error
        Of the slope, homoscedastic; shape (n,), NaN where there is no slope.
    used_sessions
        int64, shape (n,): pairs in the window.
    """

    beta: Measured
    standard_error: Floats
    used_sessions: Ints


@dataclass(frozen=True, eq=False)
class RequiredReturn:
    """Parts and sum of the required return, fractions of the layer's capital a year."""

    bill_frac: Measured
    equity_frac: Measured
    variance_frac: Measured
    total_frac: Measured


def compute_layer_excess_returns(
    pnl_usd: Floats, capital_usd: Floats, bill_returns: Floats, is_marked: Flags
) -> Floats:
    """Daily return of a layer's capital in excess of bills: P&L over the capital of the close before, less bills.

    P&L contains the interest on the margin, so that of a future this is its price change on its margin.

    Parameters
    ----------
    pnl_usd
        float64, shape (n,): of the ledger, interest and costs included.
    capital_usd
        float64, shape (n,): at each close; NaN or 0 where nothing was tied up.
    bill_returns
        Of `compute_bill_returns`.
    is_marked
        Shape (n,): every position had a price. A session without, and the next one, whose P&L brings the
        change of both, have no return.

    Returns
    -------
    float64, shape (n,); NaN where there is no return, as on the session of an entry from nothing.
    """
    before = np.concatenate([[np.nan], capital_usd[:-1]])
    was_marked = np.concatenate([[False], is_marked[:-1]])
    is_known = is_marked & was_marked & (before > 0)
    return np.where(is_known, pnl_usd / np.where(is_known, before, 1.0) - bill_returns, np.nan)


def compute_index_excess_returns(spx_close_pts: Floats, bill_returns: Floats) -> Floats:
    """Return of the S&P 500 in excess of bills, close to close, without dividends; shape (n,), NaN unknown."""
    returns = np.full(len(spx_close_pts), np.nan)
    returns[1:] = spx_close_pts[1:] / spx_close_pts[:-1] - 1
    return returns - bill_returns


def compute_rolling_betas(layer_excess: Floats, index_excess: Floats, sessions: int, least: int) -> Betas:
    """Slope of the layer on the index over the last sessions, by least squares with an intercept.

    Until 2020-10-26 settlements are of 3:15 pm Chicago time and index closes of 3:00 pm; since then both of 3:00 pm.

    Parameters
    ----------
    layer_excess, index_excess
        float64, shape (n,); a pair with a NaN is not used.
    sessions, least
        Window, and pairs needed in it.

    Returns
    -------
    Betas
        Undefined with fewer pairs, or where the index did not move. Row t depends on sessions up to t only.
    """
    pairs = np.isfinite(layer_excess) & np.isfinite(index_excess)
    y, x = (slide_windows(np.where(pairs, values, np.nan), sessions) for values in (layer_excess, index_excess))
    used = np.isfinite(x)
    count = used.sum(axis=1)
    some = np.maximum(count, 1)[:, None]
    dx = np.where(used, x - np.where(used, x, 0).sum(axis=1, keepdims=True) / some, 0.0)
    dy = np.where(used, y - np.where(used, y, 0).sum(axis=1, keepdims=True) / some, 0.0)
    sxx = (dx * dx).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (dx * dy).sum(axis=1) / sxx
        residual = ((dy - slope[:, None] * dx) ** 2).sum(axis=1)
        error = np.sqrt(residual / (count - 2) / sxx)
    missing = f"of {least} sessions needed with capital tied up in the last {sessions}"
    short = np.array([f"{seen} {missing}" for seen in count], object)
    beta = judge(slope, (count < least, short), (~(sxx > 0), "the index did not move"))
    return Betas(beta, np.where(beta.notes == "", error, np.nan), count.astype(np.int64))


def compute_mean_variance_premium(vix_pts: Floats, rv21_pts: Floats, sessions: int, least: int) -> Measured:
    """Mean of ``VIX^2 - RV21^2`` over the last sessions, points squared a year; its known values count.

    RV21 is the realised volatility of the 21 sessions up to the same close: what is known then, not what follows.

    Source: Bollerslev, Tauchen and Zhou (2009), Expected Stock Returns and Variance Risk Premia; with the sign and the
    meaning of a seller's gain: Carr and Wu (2009), Variance Risk Premiums.
    """
    premium = vix_pts**2 - rv21_pts**2
    windows = slide_windows(premium, sessions)
    is_known = np.isfinite(windows)
    count = is_known.sum(axis=1)
    mean = np.where(is_known, windows, 0).sum(axis=1) / np.maximum(count, 1)
    short = np.array([f"{seen} of {least} sessions with VIX and realised volatility" for seen in count], object)
    return judge(mean, (count < least, short))


def compute_vix_vega(holdings: Holdings) -> Measured:
    """Dollars for one point of the VIX: contracts x dollars a point x delta x sensitivity of the month, summed.

    Options count with their delta to the future; their own sensitivity to the volatility of volatility does not.
    """
    sensitivity = compute_betas_at(holdings.market, holdings.session, holdings.expiry - holdings.day)
    vega = holdings.contracts * holdings.multiplier_usd * holdings.delta * sensitivity
    words = holdings.problems.copy()
    for row in np.flatnonzero(np.isnan(vega) & (words == "")).tolist():
        words[row] = f"no sensitivity to the VIX is known for {holdings.instruments[row].code}"
    found = holdings.first_words(words)
    return judge(holdings.add_up(vega), (holdings.count == 0, NOTHING_HELD), (found != "", found))


def compute_required_return(
    capital: Measured,
    beta: Measured,
    vix_vega: Measured,
    variance_premium: Measured,
    vix_pts: Floats,
    bill_discount_rate_frac: Floats,
    rules: ValuationRules,
) -> RequiredReturn:
    """Add up what a holder of the layer should ask for, a year, as a share of its capital.

    ``bill + beta x equity premium - 12 x vega / (2 VIX) x mean(VIX^2 - RV21^2) / capital``. A layer that is long
    volatility has a negative beta and pays the variance premium: its required return may be far below 0, as that of
    an insurance is.

    The last term: one point of VIX is ``2 VIX`` points of VIX squared, so ``vega`` dollars a point of VIX are
    ``vega / (2 VIX)`` dollars a point of variance. Held through twelve months, with a one-month variance swap of that
    size in each, a long pays twelve times the premium. That is an upper bound in size for futures and options, which
    hold forward variance and realise little of it, and it overlaps with the part of the premium that beta explains.

    Parameters
    ----------
    capital, beta, vix_vega, variance_premium
        Of this module and `compute_capital`, n sessions.
    vix_pts, bill_discount_rate_frac
        float64, shape (n,).

    Source: CAPM; Carr and Wu (2009); the sum is the methodology's, section 11.
    """
    no_capital, no_vega, no_premium = is_noted(capital), is_noted(vix_vega), is_noted(variance_premium)
    yield_frac = compute_bill_growth(bill_discount_rate_frac, DAYS_A_YEAR) - 1
    bill = judge(yield_frac, no_capital, (np.isnan(yield_frac), "no bill rate is known"))
    equity = judge(beta.values * rules.equity_premium_frac, no_capital, is_noted(beta))
    with np.errstate(divide="ignore", invalid="ignore"):
        notional = vix_vega.values / (2 * vix_pts)
        paid = rules.year_sessions / rules.month_sessions * notional * variance_premium.values
    variance = judge(-paid / capital.values, no_capital, no_vega, (~(vix_pts > 0), "the VIX is not known"), no_premium)
    total = judge(bill.values + equity.values + variance.values, is_noted(bill), is_noted(equity), is_noted(variance))
    return RequiredReturn(bill, equity, variance, total)


def compute_required_pnl(
    required_frac: Floats, capital_usd: Floats, margin_usd: Floats, bill_discount_rate_frac: Floats, days: Ints
) -> Floats:
    """Dollars that marks must bring to a horizon for the required return: ``r capital days/365 - interest on margin``.

    Parameters
    ----------
    required_frac, capital_usd, margin_usd, bill_discount_rate_frac
        float64, shape (n,); NaN unknown. The margin earns bills without the marks' help.
    days
        int64, shape (n,): calendar days to the horizon.

    Returns
    -------
    float64, shape (n,); the aim of `compute_break_evens`.
    """
    interest = margin_usd * (compute_bill_growth(bill_discount_rate_frac, days) - 1)
    return required_frac * capital_usd * days / DAYS_A_YEAR - interest
