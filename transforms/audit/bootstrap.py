"""Intervals by resampling: episodes for what happens in episodes, blocks of sessions for what has a path.

Which method for what, and its measured coverage: docs/audit.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from transforms.audit.history import Floats

LEVELS = (0.80, 0.95)
"""Two-sided levels of the intervals; verdicts use the first."""

FEWEST_FOR_INTERVAL = 2
FEWEST_SESSIONS = 60
"""Sessions below which no block length can be estimated: about a quarter."""

_LARGEST_RATIO = 1_000.0
_HALVINGS = 24
_STUDENTISED = "studentised bootstrap"
_FIELLER = "studentised bootstrap, inverted"
_BLOCKS = "stationary block bootstrap, percentile"


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn; recorded with each of them.

    Parameters
    ----------
    seed
        Of the random numbers: the same data and seed give the same interval.
    reps
        Resamples.

    Raises
    ------
    ValueError
        Fewer than 200 resamples: the tails of 95% would rest on a handful.
    """

    seed: int = 20_260_101
    reps: int = 2_000

    def __post_init__(self) -> None:
        """Refuse too few resamples."""
        if self.reps < 200:
            raise ValueError(f"reps: expected at least 200, found {self.reps}")


DEFAULT_RESAMPLING = Resampling()


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its intervals, and how they were made.

    Parameters
    ----------
    value
        NaN undefined.
    count
        What was resampled: episodes, years, months, or sessions.
    low_80, high_80, low_95, high_95, standard_error
        NaN where there is no interval.
    method, seed, reps, block_sessions
        How; ``block_sessions`` is NaN where no blocks were drawn, ``method`` is "none" without an interval.
    note
        Why there is no number or no interval; empty otherwise.
    """

    value: float
    count: int
    low_80: float = math.nan
    high_80: float = math.nan
    low_95: float = math.nan
    high_95: float = math.nan
    standard_error: float = math.nan
    method: str = "none"
    seed: int = 0
    reps: int = 0
    block_sessions: float = math.nan
    note: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether the 80% interval has both ends."""
        return math.isfinite(self.low_80) and math.isfinite(self.high_80)

    @property
    def is_interval_known(self) -> bool:
        """Whether both ends are there; one may be infinite, where a ratio is undefined beyond it."""
        return not (math.isnan(self.low_80) or math.isnan(self.high_80))


def bootstrap_ratio(
    numerators: Floats, denominators: Floats, resampling: Resampling = DEFAULT_RESAMPLING, unit: str = "episodes"
) -> Estimate:
    """Ratio of sums over episodes, with intervals from resampled episodes.

    ``r = sum(x) / sum(d)``. Studentised: of each resample ``t = (r* - r)/se*`` with the linearised standard error
    ``se = sqrt(n/(n-1) sum((x - r d)^2)) / sum(d)``, and the interval is ``[r - t_high se, r - t_low se]``.

    Parameters
    ----------
    numerators
        float64, shape (m,): one an episode, for instance its P&L.
    denominators
        float64, shape (m,): for instance its sessions; ones for a plain mean.
    resampling
        Seed and resamples.
    unit
        What is resampled, for the note.

    Returns
    -------
    Estimate
        Without an interval where there are fewer than two episodes, or no spread between them: a width of zero would
        claim certainty. With very few an end may be infinite, and the note says so. Undefined where there is none, or
        the denominators do not sum to more than 0.

    Raises
    ------
    ValueError
        Not one denominator for each numerator, a denominator below 0, or a value that is not finite.

    Notes
    -----
    Source: Efron and Tibshirani (1993), chapter 12; Cochran (1977), chapter 6, for the standard error of a ratio.
    ``arch.bootstrap.IIDBootstrap(...).conf_int(method="studentized")`` draws the same one resample at a time, a
    hundred times slower; the tests compare the two.
    """
    if numerators.shape != denominators.shape or numerators.ndim != 1:
        raise ValueError("one denominator for each numerator")
    if not (np.isfinite(numerators).all() and np.isfinite(denominators).all()) or (denominators < 0).any():
        raise ValueError("numerators and denominators: expected finite numbers, denominators from 0")
    used = (denominators > 0) | (numerators != 0)
    x, d = numerators[used], denominators[used]
    count = len(x)
    if not d.sum() > 0:
        return Estimate(value=math.nan, count=count, note=f"undefined: {count} {unit} with anything to measure")
    value = float(x.sum() / d.sum())
    if count < FEWEST_FOR_INTERVAL:
        return Estimate(value=value, count=count, note=f"no interval: {count} of {unit}, at least two are needed")
    error = float(_ratio_error(x[None, :], d[None, :], np.array([value]))[0])
    if not error > 1e-12 * abs(value):
        return Estimate(value=value, count=count, note=f"no interval: no spread between {count} {unit}")
    drawn = np.random.default_rng(resampling.seed).integers(0, count, (resampling.reps, count))
    xs, ds = x[drawn], d[drawn]
    sums = ds.sum(axis=1)
    is_defined = sums > 0
    ratios = xs[is_defined].sum(axis=1) / sums[is_defined]
    errors = _ratio_error(xs[is_defined], ds[is_defined], ratios)
    # a resample of one episode only has no error of its own: it lies infinitely far out, on its side
    is_flat = errors <= 1e-12 * np.abs(ratios)
    moved = ratios - value
    far = np.where(moved == 0, 0.0, np.copysign(np.inf, moved))
    scores = np.where(is_flat, far, moved / np.where(is_flat, 1.0, errors))
    ends = {}
    for level in LEVELS:
        low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        ends[level] = (value - float(high) * error, value - float(low) * error)
    is_open = any(math.isinf(end) for pair in ends.values() for end in pair)
    note = f"an end of an interval is open: {count} {unit} are too few for it" if is_open else ""
    return replace(_with_ends(value, count, ends, error, _STUDENTISED, resampling), note=note)


def bootstrap_mean(values: Floats, resampling: Resampling = DEFAULT_RESAMPLING, unit: str = "episodes") -> Estimate:
    """Mean over episodes or years: :func:`bootstrap_ratio` with ones."""
    return bootstrap_ratio(values, np.ones(len(values)), resampling, unit)


def bootstrap_signed_ratio(
    numerators: Floats, denominators: Floats, resampling: Resampling = DEFAULT_RESAMPLING, unit: str = "episodes"
) -> Estimate:
    """Ratio of sums over episodes where a denominator may be negative, as the cost of protection is when it pays.

    Of each ``q`` it is asked whether the mean of ``x - q d`` is 0, with :func:`bootstrap_mean`; the interval is what is
    not refused. So it agrees at every ``q`` with the test of ``x - q d``, at 1 with the test of the surplus.

    Returns
    -------
    Estimate
        An end is infinite where every ``q`` on that side is compatible with the data: the denominators are then not
        surely above 0. Undefined where they do not sum to more than 0.

    Raises
    ------
    ValueError
        Not one denominator for each numerator, or a value that is not finite.

    Notes
    -----
    Source: Fieller (1954), with the studentised bootstrap in the place of the t distribution.
    """
    if numerators.shape != denominators.shape or numerators.ndim != 1:
        raise ValueError("one denominator for each numerator")
    used = (denominators != 0) | (numerators != 0)
    x, d = numerators[used], denominators[used]
    count = len(x)
    if not d.sum() > 0:
        return Estimate(
            value=math.nan, count=count, note=f"undefined: the denominators of {count} {unit} are not above 0"
        )
    value = float(x.sum() / d.sum())
    at_value = bootstrap_mean(x - value * d, resampling, unit)
    if not at_value.has_interval:
        return Estimate(value=value, count=count, note=at_value.note)

    def refuse(ratio: float, level: float, is_below: bool) -> bool:
        tested = bootstrap_mean(x - ratio * d, resampling, unit)
        low, high = (tested.low_80, tested.high_80) if level == LEVELS[0] else (tested.low_95, tested.high_95)
        return low > 0 if is_below else high < 0

    ends = {}
    for level in LEVELS:
        low, high = (_find_end(value, refuse, level, is_below) for is_below in (True, False))
        ends[level] = (low, high)
    error = at_value.standard_error / float(d.mean())
    return _with_ends(value, count, ends, error, _FIELLER, resampling)


def _find_end(value: float, refuse: Callable[[float, float, bool], bool], level: float, is_below: bool) -> float:
    """Where the refused ratios begin on one side; infinite where none up to a thousand is refused."""
    side = -1.0 if is_below else 1.0
    near, step = 0.0, max(abs(value), 1.0) / 8
    while not refuse(value + side * step, level, is_below):
        near, step = step, 2 * step
        if step > _LARGEST_RATIO:
            return side * math.inf
    for _ in range(_HALVINGS):
        middle = (near + step) / 2
        near, step = (near, middle) if refuse(value + side * middle, level, is_below) else (middle, step)
    return value + side * step


def bootstrap_sessions(
    columns: Floats,
    statistic: Callable[[Floats], float],
    resampling: Resampling = DEFAULT_RESAMPLING,
    block_sessions: float | None = None,
) -> Estimate:
    """Compute a statistic of a path, with intervals from resampled blocks of sessions.

    Parameters
    ----------
    columns
        float64, shape (n, k): one row a session; rows are drawn whole, so that what happened together stays together.
    statistic
        Of such an array, one number. ``-inf`` and ``inf`` are taken as beyond every number; NaN of a resample is
        left out, and more than one resample in a hundred of them leaves no interval.
    block_sessions
        Mean length of a block; None: `estimate_block_length`.

    Returns
    -------
    Estimate
        Percentile intervals. BCa would need an acceleration from leaving out single sessions, which means nothing for
        values that depend on their neighbours.

    Raises
    ------
    ValueError
        Not two dimensions, or a value that is not finite.

    Notes
    -----
    Source: Politis and Romano (1994), the stationary bootstrap, as in ``arch.bootstrap.StationaryBootstrap``.
    """
    if columns.ndim != 2 or not np.isfinite(columns).all():
        raise ValueError("columns: expected finite numbers, one row a session")
    count = len(columns)
    value = float(statistic(columns)) if count else math.nan
    if count < FEWEST_SESSIONS:
        note = f"no interval: {count} sessions, at least {FEWEST_SESSIONS} are needed"
        return Estimate(value=value, count=count, note=note)
    if not (columns != columns[0]).any():
        return Estimate(value=value, count=count, note="no interval: no spread between sessions")
    block = estimate_block_length(columns) if block_sessions is None else block_sessions
    # arch loads statsmodels, which takes seconds: only who draws blocks pays for it
    from arch.bootstrap import StationaryBootstrap

    blocks = StationaryBootstrap(math.ceil(block), columns, seed=resampling.seed)
    drawn = np.array([statistic(np.asarray(sample[0])) for sample, _ in blocks.bootstrap(resampling.reps)])
    known = drawn[~np.isnan(drawn)]
    if len(known) < 0.99 * len(drawn):
        note = f"no interval: undefined in {len(drawn) - len(known)} of {len(drawn)} resamples"
        return Estimate(value=value, count=count, note=note)
    ends = {}
    for level in LEVELS:
        low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        ends[level] = (float(low), float(high))
    error = float(known.std(ddof=1)) if np.isfinite(known).all() else math.nan
    return _with_ends(value, count, ends, error, _BLOCKS, resampling, float(math.ceil(block)))


def estimate_block_length(columns: Floats) -> float:
    """Mean block length of the stationary bootstrap, in sessions: the longest that a column asks for, at least 1.

    Parameters
    ----------
    columns
        float64, shape (n, k). A column without spread asks for none.

    Notes
    -----
    Source: Politis and White (2004) with the correction of Patton, Politis and White (2009), as in
    ``arch.bootstrap.optimal_block_length``. At most a tenth of the sessions, so that a resample is made of ten blocks
    or more.
    """
    from arch.bootstrap import optimal_block_length

    moving = columns[:, (columns != columns[:1]).any(axis=0)]
    if not moving.shape[1]:
        return 1.0
    lengths = optimal_block_length(moving)["stationary"].to_numpy(np.float64)
    lengths = lengths[np.isfinite(lengths)]
    longest = float(lengths.max(initial=1.0))
    return min(max(longest, 1.0), max(len(columns) / 10, 1.0))


def _ratio_error(xs: Floats, ds: Floats, ratios: Floats) -> Floats:
    """Linearised standard error of a ratio of sums: rows are samples."""
    count = xs.shape[1]
    residuals = xs - ratios[:, None] * ds
    error: Floats = np.sqrt(count / (count - 1) * (residuals**2).sum(axis=1)) / ds.sum(axis=1)
    return error


def _with_ends(
    value: float,
    count: int,
    ends: dict[float, tuple[float, float]],
    error: float,
    method: str,
    resampling: Resampling,
    block: float = math.nan,
) -> Estimate:
    (low_80, high_80), (low_95, high_95) = (ends[level] for level in LEVELS)
    return Estimate(
        value=value,
        count=count,
        low_80=low_80,
        high_80=high_80,
        low_95=low_95,
        high_95=high_95,
        standard_error=error,
        method=method,
        seed=resampling.seed,
        reps=resampling.reps,
        block_sessions=block,
    )
