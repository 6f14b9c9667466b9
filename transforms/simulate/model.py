"""The simulated market's state: S&P 500 price and the variance behind every volatility in it.

Two factors of log volatility, a fast ``x`` and a slow ``y``, revert to zero; the fast one jumps, and
each jump makes further jumps likelier for some weeks. The index falls when volatility rises. Under
the pricing measure the same factors revert at their own speed towards a higher level, which makes the
forward variance of every horizon known in closed form::

    xi(s) = floor^2 + exp(2 (m + x e^{-k1 s} + y e^{-k2 s} + c1 (1 - e^{-k1 s}) + c2 (1 - e^{-k2 s})))

``s`` in years from today, volatilities in points (percent a year). In the spirit of Bergomi (2005),
"Smile dynamics II", for the forward variance, with the self-exciting jumps of Ait-Sahalia, Cacho-Diaz
and Laeven (2015). The numbers are fitted to stylised facts, not to any option price.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from transforms.simulate.noise import Floats, normals, uniforms

MODEL_VERSION = "1"
"""Goes up with every change that alters the files of a given seed."""

SESSIONS_A_YEAR = 252
DAYS_A_YEAR = 365.0
VIX_DAYS = 30
_WARM_UP_SESSIONS = 252
_LARGEST_FAST = 1.10
"""A jump does not carry the fast factor beyond this: three times its rest level is a panic already."""
_LARGEST_JUMP = 0.80
_LARGEST_PRICE_JUMP = 0.09
_CRISIS_JUMP = 0.75


@dataclass(frozen=True)
class Parameters:
    """Numbers of the model. Rates are a year, log volatilities are natural logarithms.

    Attributes
    ----------
    floor_pts
        Volatility that never goes away.
    rest_pts
        Level of the part above the floor, in points, with both factors at rest.
    fast_reversion, slow_reversion
        Speeds of reversion in the simulated world.
    fast_pricing_reversion, slow_pricing_reversion
        Speeds of reversion under the pricing measure.
    fast_volatility, slow_volatility
        Log volatility of the factors, a square root of a year.
    factor_correlation
        Between the shocks of the two factors.
    fast_premium, slow_premium
        Log volatility that the pricing measure adds to where each factor reverts.
    calming
        How much faster the fast factor reverts for each unit above ``calming_from``.
    jump_rate, jump_mean, jump_decay, jump_excitation
        Jumps a year at rest; mean log size (exponential); decay of the excitation a year; jumps a year
        that each jump adds.
    jump_to_slow
        Share of a jump that also moves the slow factor.
    vol_of_vol_persistence, vol_of_vol_sd, vol_of_vol_link
        Daily autoregression of the log volatility of volatility, its sd, and the correlation of its
        shocks with those of the fast factor.
    flutter_sd, flutter_decay
        Log noise of spot VIX that the futures hardly follow: sd, and reversion a year.
    leverage
        Correlation of the index's own shock with the fast factor's.
    price_jump
        Log price fall for each unit of log volatility jump, in units of one month's volatility.
    variance_share
        Realised variance as a share of the pricing measure's instantaneous variance.
    index_drift, index_pull
        Growth a year of the index's trend, and how fast the index reverts to it: weak, so that no seed
        ends decades away from any level an index has had.
    """

    floor_pts: float = 8.0
    rest_pts: float = 14.1
    fast_reversion: float = 11.5
    slow_reversion: float = 1.01
    fast_pricing_reversion: float = 8.1
    slow_pricing_reversion: float = 0.49
    fast_volatility: float = 0.79
    slow_volatility: float = 0.57
    factor_correlation: float = 0.68
    fast_premium: float = 0.275
    slow_premium: float = 0.64
    calming: float = 4.16
    calming_from: float = 0.6
    jump_rate: float = 7.1
    jump_mean: float = 0.168
    jump_decay: float = 17.7
    jump_excitation: float = 9.8
    jump_to_slow: float = 0.126
    vol_of_vol_persistence: float = 0.97
    vol_of_vol_sd: float = 0.155
    vol_of_vol_link: float = 0.6
    flutter_sd: float = 0.05
    flutter_decay: float = 96.3
    leverage: float = -0.953
    price_jump: float = 0.51
    variance_share: float = 0.51
    index_drift: float = 0.07
    index_pull: float = 0.08
    first_index_pts: float = 2000.0


PARAMETERS = Parameters()


@dataclass(frozen=True)
class States:
    """The model's path, one entry a session.

    Attributes
    ----------
    fast, slow
        Factors of log volatility.
    flutter
        Log noise of spot VIX.
    vol_of_vol
        Multiple of the usual volatility of volatility.
    jump_rate
        Jumps a year expected at the close.
    jumps
        Log volatility jump of the session, 0 on most.
    log_index
        Logarithm of the index level.
    """

    fast: Floats
    slow: Floats
    flutter: Floats
    vol_of_vol: Floats
    jump_rate: Floats
    jumps: Floats
    log_index: Floats


def simulate_states(
    sessions: int, seed: int, crisis_at: int | None = None, parameters: Parameters = PARAMETERS
) -> States:
    """Simulate the state of each session.

    Parameters
    ----------
    sessions
        Number of daily steps; a longer path begins with the shorter one.
    crisis_at
        Number of the session (from 0) that takes a volatility shock of a size seen a few times in 20
        years, followed by weeks in which further jumps are likely; sessions before it are untouched.
    """
    p = parameters
    total = sessions + _WARM_UP_SESSIONS
    shocks = normals(seed, "state", total, 5).tolist()
    chances = uniforms(seed, "jumps", total, 2).tolist()
    step = 1 / SESSIONS_A_YEAR
    root = math.sqrt(step)
    slow_keep = math.exp(-p.slow_reversion * step)
    flutter_keep = math.exp(-p.flutter_decay * step)
    flutter_fresh = p.flutter_sd * math.sqrt(1 - flutter_keep**2)
    rate_keep = math.exp(-p.jump_decay * step)
    vol_fresh = p.vol_of_vol_sd * math.sqrt(1 - p.vol_of_vol_persistence**2)
    own_slow = math.sqrt(1 - p.factor_correlation**2)
    own_vol = math.sqrt(1 - p.vol_of_vol_link**2)
    own_index = math.sqrt(1 - p.leverage**2)
    # what jumps add on average is taken out of the drift, so that the factors rest near zero
    long_run_rate = p.jump_rate / (1 - min(p.jump_excitation / p.jump_decay, 0.9))
    jump_drift = long_run_rate * p.jump_mean * step

    fast = slow = flutter = log_vol_of_vol = 0.0
    rate, log_index = long_run_rate, math.log(p.first_index_pts)
    rows = []
    for day, (e_fast, e_slow, e_vol, e_flutter, e_index) in enumerate(shocks):
        if day == _WARM_UP_SESSIONS:
            log_index = math.log(p.first_index_pts)
        vol_of_vol = math.exp(log_vol_of_vol)
        volatility = spot_volatility(fast, slow, p) / 100 * math.sqrt(p.variance_share)
        jump = -math.log1p(-chances[day][1]) * p.jump_mean if chances[day][0] < 1 - math.exp(-rate * step) else 0.0
        if crisis_at is not None and day == crisis_at + _WARM_UP_SESSIONS:
            jump = max(jump, _CRISIS_JUMP)
        jump = min(jump, _LARGEST_JUMP, max(_LARGEST_FAST - fast, 0.02)) if jump > 0 else 0.0
        calm = p.fast_reversion * (1 + p.calming * max(fast - p.calming_from, 0.0))
        behind = math.log(p.first_index_pts) + p.index_drift * step * (day - _WARM_UP_SESSIONS) - log_index
        moved_index = p.leverage * e_fast + own_index * e_index
        log_index += (
            (p.index_drift + p.index_pull * behind) * step
            + volatility * root * moved_index
            - min(p.price_jump * volatility * math.sqrt(1 / 12) * jump / p.jump_mean, _LARGEST_PRICE_JUMP)
            # jumps of today's likelihood are paid for, so that the drift stays the index's in a panic too
            + p.price_jump * volatility * math.sqrt(1 / 12) * rate * step
        )
        fast = fast * math.exp(-calm * step) + p.fast_volatility * vol_of_vol * root * e_fast + jump - jump_drift
        slow_shock = p.factor_correlation * e_fast + own_slow * e_slow
        slow = slow * slow_keep + p.slow_volatility * root * slow_shock + p.jump_to_slow * (jump - jump_drift)
        flutter = flutter * flutter_keep + flutter_fresh * e_flutter
        vol_shock = p.vol_of_vol_link * e_fast + own_vol * e_vol
        log_vol_of_vol = log_vol_of_vol * p.vol_of_vol_persistence + vol_fresh * vol_shock + 0.25 * jump
        rate = p.jump_rate + (rate - p.jump_rate) * rate_keep + (p.jump_excitation if jump > 0 else 0.0)
        rows.append((fast, slow, flutter, math.exp(log_vol_of_vol), rate, jump, log_index))
    columns = np.array(rows[_WARM_UP_SESSIONS:]).T
    return States(*columns)


def spot_volatility(fast: float, slow: float, parameters: Parameters = PARAMETERS) -> float:
    """Instantaneous volatility under the pricing measure, in points."""
    p = parameters
    return math.sqrt(p.floor_pts**2 + (p.rest_pts * math.exp(fast + slow)) ** 2)


def forward_volatility(
    states: States, start_days: Floats, length_days: Floats | float, parameters: Parameters = PARAMETERS
) -> Floats:
    """Square root of the expected variance from ``start_days`` over ``length_days``, in points.

    ``sqrt(1/L integral of xi(s) ds)`` over ``[S, S + L]`` by Gauss-Legendre quadrature of four nodes;
    calendar days. With a start of 0 and 30 days this is VIX before its noise.
    """
    p = parameters
    nodes, weights = np.polynomial.legendre.leggauss(4)
    length = np.asarray(length_days, dtype=float)
    variance = np.zeros(np.broadcast(states.fast, start_days, length).shape)
    for node, weight in zip(nodes, weights, strict=True):
        horizon = (start_days + length * (node + 1) / 2) / DAYS_A_YEAR
        fast_keep = np.exp(-p.fast_pricing_reversion * horizon)
        slow_keep = np.exp(-p.slow_pricing_reversion * horizon)
        log_volatility = (
            states.fast * fast_keep
            + states.slow * slow_keep
            + p.fast_premium * (1 - fast_keep)
            + p.slow_premium * (1 - slow_keep)
        )
        variance += weight / 2 * (p.floor_pts**2 + (p.rest_pts * np.exp(log_volatility)) ** 2)
    return cast(Floats, np.sqrt(variance))


def convexity(states: States, days: Floats, parameters: Parameters = PARAMETERS) -> Floats:
    """How far the expected volatility lies below the root of the expected variance, as a logarithm.

    For lognormal variance ``ln E[sqrt V] - ln sqrt E[V] = -Var(ln V) / 8``: half the variance of log
    volatility that accrues to the start of the period, jumps included, both factors reverting.
    """
    p = parameters
    years = days / DAYS_A_YEAR
    fast_variance = (p.fast_volatility * states.vol_of_vol) ** 2 + 2 * p.jump_mean**2 * states.jump_rate
    fast_gain = (1 - np.exp(-2 * p.fast_pricing_reversion * years)) / (2 * p.fast_pricing_reversion)
    slow_gain = (1 - np.exp(-2 * p.slow_pricing_reversion * years)) / (2 * p.slow_pricing_reversion)
    damping = 0.55  # the 30-day average moves less than the spot factor
    return -0.5 * (damping * fast_variance * fast_gain + p.slow_volatility**2 * slow_gain)


def take(states: States, rows: np.ndarray) -> States:
    """Pick sessions of a path, for example one for each row of a table of contracts."""
    return States(*(getattr(states, name)[rows] for name in States.__dataclass_fields__))
