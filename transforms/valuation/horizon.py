"""What is held today, valued at a horizon as a function of the VIX there.

The model. Until the horizon nothing is traded. The VIX moves at once from V to v and stays. A future whose
settlement is later than the horizon is worth ``max(A + b (v - V), 0)``: A is the price that the passage of time alone
gives (the curve of today's close unchanged, linear in calendar days between the settlements, the VIX at 0 days, as
`FuturesMarket.pass_time`), b the sensitivity for the days left then (linear between those of VX1 to VX4 at their days
left today, and 1 at 0 days). What settles by the horizon settles at v, options at what they are in the money. An option
that lives on is worth Black-76 on that future with its volatility and rate unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.options.black76 import compute_black76_price
from transforms.options.implied import compute_discount, compute_years_to_settlement
from transforms.positions.market import FuturesMarket
from transforms.valuation.holdings import Holdings
from transforms.valuation.measure import Flags, Floats, Ints, Words

_LEAST_FUTURE_PTS = 1e-9
"""Black-76 has no value for a future of 0; a call is then worth nothing, a put its discounted strike."""
_CURVE_CONTRACTS = 14
"""Listed contracts looked at: more than a year of monthlies."""


@dataclass(frozen=True, eq=False)
class Horizon:
    """Positions at their horizon; arrays of shape (m,), row by row as in the holdings.

    Parameters
    ----------
    holdings
        What is held.
    days
        int64, shape (n,): calendar days from each close to its horizon.
    is_settled
        The contract settles by the horizon.
    unmoved_pts
        Price of the future with the VIX unmoved: A. NaN settled or unknown.
    beta
        Points of the future for one point of the VIX: b. NaN settled or unknown.
    years, discount
        Of an option that lives on.
    problems
        Why the position has no value at the horizon; empty where it has.
    """

    holdings: Holdings
    days: Ints
    is_settled: Flags
    unmoved_pts: Floats
    beta: Floats
    years: Floats
    discount: Floats
    problems: Words


def find_nearest_expiries(holdings: Holdings) -> Ints:
    """Calendar days to the nearest settlement of what is held, shape (n,); 0 where nothing is held."""
    far = np.iinfo(np.int64).max
    nearest = np.full(len(holdings.market), far)
    np.minimum.at(nearest, holdings.session, np.where(holdings.expiry > 0, holdings.expiry - holdings.day, far))
    return np.where(nearest == far, 0, np.maximum(nearest, 0))


def build_horizon(holdings: Holdings, days: int | Ints) -> Horizon:
    """Prepare what is held for its horizon.

    Parameters
    ----------
    days
        Calendar days to the horizon, one for all sessions or one each; not negative.

    Raises
    ------
    ValueError
        A horizon before its session.
    """
    market, session = holdings.market, holdings.session
    horizons = np.broadcast_to(np.asarray(days, np.int64), (len(market),))
    if (horizons < 0).any():
        raise ValueError("days: a horizon lies on its session or after it")
    left = holdings.expiry - holdings.day - horizons[session]
    is_settled = left <= 0
    unmoved = age_prices(market, session, left)
    beta = compute_betas_at(market, session, left)
    years = compute_years_to_settlement(np.maximum(left, 1))
    discount = compute_discount(market.bill_discount_rate_frac[session], years)
    problems = holdings.problems.copy()
    needs = (
        (np.isnan(market.vix_pts[session]), "the VIX is not known"),
        (~is_settled & np.isnan(unmoved), "the curve is not known at {}"),
        (~is_settled & np.isnan(beta), "no sensitivity to the VIX is known for {}"),
        (~is_settled & holdings.is_option & np.isnan(holdings.volatility_frac), "no volatility of {}"),
        (~is_settled & holdings.is_option & np.isnan(discount), "no bill rate is known"),
    )
    for is_missing, words in needs:
        for row in np.flatnonzero(is_missing & (problems == "")).tolist():
            problems[row] = words.format(holdings.instruments[row].code)
    unmoved, beta = (np.where(is_settled, np.nan, values) for values in (unmoved, beta))
    return Horizon(holdings, horizons, is_settled, unmoved, beta, years, discount, problems)


def compute_horizon_pnl(horizon: Horizon, vix_pts: Floats) -> Floats:
    """Profit and loss from today's marks to the horizon, in dollars, by the VIX there.

    Without interest and without the cost of closing.

    Parameters
    ----------
    vix_pts
        Levels, shape (g,) for every session or (n, g).

    Returns
    -------
    float64, shape (n, g); 0 where nothing is held, NaN where a position has no value.
    """
    sessions = len(horizon.holdings.market)
    levels = np.broadcast_to(vix_pts, (sessions, np.shape(vix_pts)[-1]))
    session = horizon.holdings.session
    return add_rows(compute_row_pnl(horizon, np.arange(len(session)), levels[session]), session, sessions)


def add_rows(amounts: Floats, owners: Ints, count: int) -> Floats:
    """Sum of rows by owner, shape (count, g)."""
    total = np.zeros((count, amounts.shape[1]))
    np.add.at(total, owners, amounts)
    return total


def compute_row_pnl(horizon: Horizon, rows: Ints, levels: Floats) -> Floats:
    """Profit and loss of positions, dollars; levels and result of shape (rows, g)."""
    held = horizon.holdings

    def column(values: Floats) -> Floats:
        return values[rows, None]

    vix = held.market.vix_pts[held.session[rows]][:, None]
    future = np.maximum(column(horizon.unmoved_pts) + column(horizon.beta) * (levels - vix), 0.0)
    future = np.where(horizon.is_settled[rows, None], levels, future)
    gap = np.where(held.is_call[rows, None], 1.0, -1.0) * (future - column(held.strike_pts))
    value = np.where(held.is_option[rows, None], np.maximum(gap, 0.0), future)
    alive = np.flatnonzero(held.is_option[rows] & ~horizon.is_settled[rows])
    if len(alive):
        picked = rows[alive]
        value[alive] = compute_black76_price(
            np.maximum(future[alive], _LEAST_FUTURE_PTS),
            held.strike_pts[picked, None],
            horizon.years[picked, None],
            held.volatility_frac[picked, None],
            horizon.discount[picked, None],
            held.is_call[picked, None],
        )
    paid = column(held.contracts) * column(held.multiplier_usd) * (value - column(held.mark_pts))
    return np.where((horizon.problems[rows] == "")[:, None], paid, np.nan)


def age_prices(market: FuturesMarket, sessions: Ints, left: Ints) -> Floats:
    """Price of the curve of a close at days left, shape (m,): linear in days, the VIX at 0; NaN beyond or unknown."""
    days = np.array([day.toordinal() for day in market.days], np.int64)
    expiries = np.array(market.expiry_ordinals, np.int64)
    first = np.searchsorted(expiries, days, side="right")
    columns = first[:, None] + np.arange(min(_CURVE_CONTRACTS, max(len(expiries), 1)))
    is_there = columns < len(expiries)
    columns = np.where(is_there, columns, 0)
    if len(expiries) == 0:
        return np.full(len(sessions), np.nan)
    prices = np.where(is_there, np.take_along_axis(market.settle_pts, columns, axis=1), np.nan)
    # an unpriced month is passed over, as in pass_time; an unknown VIX is not: it is the curve's beginning
    knots = np.where(np.isnan(prices), np.nan, (expiries[columns] - days[:, None]).astype(np.float64))
    start = np.zeros((len(days), 1))
    return _interpolate(np.hstack([start, knots]), np.hstack([market.vix_pts[:, None], prices]), sessions, left)


def compute_betas_at(market: FuturesMarket, sessions: Ints, left: Ints) -> Floats:
    """Points a future with so many days left moves for one point of the VIX, shape (m,).

    Linear between VX1 to VX4 at their days left on that session and 1 at 0 days; NaN beyond VX4 and where one of the
    two it lies between is unknown.
    """
    days = np.array([day.toordinal() for day in market.days], np.float64)
    expiries = np.array([*market.expiry_ordinals, np.nan])
    knots = expiries[market.ranked] - days[:, None]  # -1, not listed, finds the NaN at the end
    ones = np.ones((len(days), 1))
    return _interpolate(np.hstack([0 * ones, knots]), np.hstack([ones, market.betas]), sessions, left)


def _interpolate(knots: Floats, values: Floats, sessions: Ints, left: Ints) -> Floats:
    """Linear between the knots around `left`, by row; NaN knots are passed over, NaN values are not."""
    at, known = knots[sessions], values[sessions]
    wanted = left[:, None]
    lower = np.where(at <= wanted, at, -np.inf)
    upper = np.where(at >= wanted, at, np.inf)
    below, above = lower.argmax(axis=1), upper.argmin(axis=1)
    rows = np.arange(len(sessions))
    x0, x1, y0, y1 = at[rows, below], at[rows, above], known[rows, below], known[rows, above]
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = y0 + (y1 - y0) * (left - x0) / (x1 - x0)
    found = np.where(below == above, y0, inside)
    is_inside = np.isfinite(lower[rows, below]) & np.isfinite(upper[rows, above])
    return np.where(is_inside, found, np.nan)
