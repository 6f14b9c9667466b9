"""The day a value of a macro series was first released: read where it could be, else by a late rule.

A value counts as known from its release day on. The rule is made to be late, never early: it gives a day by
which the value was certainly out, so that a signal may lag what the market knew and never leads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, cast

from transforms.errors import PipelineError
from transforms.events.tables import day_of, entry_error, is_weekday, read_table, refuse_unknown_keys, text_of

TABLE = "release_dates"
_SERIES_KEYS = {
    "release",
    "frequency",
    "lag_days",
    "lag_evidence",
    "never_published",
    "shutdown_periods",
    "longer_lags",
    "blocks",
}
_BLOCK_KEYS = {"basis", "evidence", "releases"}
_LONGER_LAG_KEYS = {"first_period", "last_period", "lag_days", "evidence"}

Basis = Literal["published", "scheduled", "user", "estimated", "never_published"]
"""How a release date is known: the agency's day, its calendar, a user's file, the rule; or there was none."""


@dataclass(frozen=True)
class ReleaseDate:
    """When a period's value was first released.

    Attributes
    ----------
    reference_date
        First day of the period the value stands for, as FRED labels it.
    release_date
        None only where the agency published nothing for the period.
    """

    series_id: str
    reference_date: date
    release_date: date | None
    basis: Basis


@dataclass(frozen=True)
class LongerLag:
    """Periods for which the usual rule is known to have been too early."""

    first_period: date
    last_period: date
    lag_days: int


@dataclass(frozen=True)
class ReleaseRule:
    """The rule of a series: see ``release_dates.toml`` for the meaning of the fields."""

    series_id: str
    release: str
    frequency: Literal["monthly", "quarterly"]
    lag_days: int
    lag_evidence: str
    never_published: frozenset[date]
    shutdown_periods: frozenset[date]
    longer_lags: tuple[LongerLag, ...]


@lru_cache(maxsize=1)
def release_dates() -> tuple[ReleaseDate, ...]:
    """Return every release date that could be read, by series and period.

    Raises
    ------
    PipelineError
        If an entry has an unknown key or basis, a period that does not begin a month (a quarter), a release
        on a weekend or before the end of its period, a period twice, or releases out of order.
    """
    found = []
    for series_id, body in read_table(TABLE).items():
        for block in body.get("blocks", []):
            found.extend(_block(series_id, block))
    return check_releases(found)


@lru_cache(maxsize=1)
def release_rules() -> dict[str, ReleaseRule]:
    """Return the rule of every series that has one."""
    return {series_id: _rule(series_id, body) for series_id, body in read_table(TABLE).items()}


def check_releases(rows: list[ReleaseDate]) -> tuple[ReleaseDate, ...]:
    """Return the releases in order if they can be right; see ``release_dates``."""
    ordered = sorted(rows, key=lambda row: (row.series_id, row.reference_date))
    for row in ordered:
        rule = release_rules()[row.series_id]
        if not _begins_a_period(row.reference_date, rule):
            raise _wrong(row, f"period {row.reference_date}", f"the first day of a {rule.frequency} period")
        if row.release_date is None or row.release_date <= _period_end(row.reference_date, rule):
            raise _wrong(row, f"released {row.release_date}", "a day after the end of the period")
        if not is_weekday(row.release_date):
            raise _wrong(row, f"released {row.release_date:%A %Y-%m-%d}", "a weekday")
        if row.reference_date in rule.never_published:
            raise _wrong(row, f"released {row.release_date}", "none: the period is among those never published")
    for earlier, later in pairwise(ordered):
        if earlier.series_id != later.series_id:
            continue
        if earlier.reference_date == later.reference_date:
            raise _wrong(later, "two release dates", "one release date a period")
        # Two periods may come out in one release, as October and November 2025 of the producer prices did.
        if cast("date", later.release_date) < cast("date", earlier.release_date):
            raise _wrong(later, f"released {later.release_date}", f"not before {earlier.release_date}")
    return tuple(ordered)


def release_date_of(
    series_id: str,
    reference_date: date,
    overrides: Mapping[tuple[str, date], date] | None = None,
) -> ReleaseDate:
    """Return the release date of a period: the user's, else the table's, else the rule's.

    Parameters
    ----------
    reference_date
        First day of the period.
    overrides
        Release dates by (series, first day of the period), from a user's file.

    Raises
    ------
    PipelineError
        If the series has no rule, or the day does not begin a period of the series.
    """
    rule = _rule_of(series_id, reference_date)
    given = (overrides or {}).get((series_id, reference_date))
    if given is not None:
        return ReleaseDate(series_id, reference_date, given, "user")
    read = _by_period().get((series_id, reference_date))
    if read is not None:
        return read
    if reference_date in rule.never_published:
        return ReleaseDate(series_id, reference_date, None, "never_published")
    return ReleaseDate(series_id, reference_date, estimate_release_date(series_id, reference_date), "estimated")


def estimate_release_date(series_id: str, reference_date: date) -> date:
    """Return the rule's release date: the end of the period plus the lag of the series, Monday after a weekend.

    The lags are longer than every lag that could be read, lapses of appropriations apart; the figures are in
    ``docs/data_sources/release_calendars.md``. The table is not looked at.

    Raises
    ------
    PipelineError
        If the series has no rule, or the day does not begin a period of the series.
    """
    rule = _rule_of(series_id, reference_date)
    lag_days = rule.lag_days
    for longer in rule.longer_lags:
        if longer.first_period <= reference_date <= longer.last_period:
            lag_days = longer.lag_days
    day = _period_end(reference_date, rule) + timedelta(days=lag_days)
    while not is_weekday(day):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=1)
def _by_period() -> dict[tuple[str, date], ReleaseDate]:
    return {(row.series_id, row.reference_date): row for row in release_dates()}


def _rule_of(series_id: str, reference_date: date) -> ReleaseRule:
    rule = release_rules().get(series_id)
    if rule is None:
        raise PipelineError(
            f"no release rule for the series {series_id}",
            where=f"transforms/events/{TABLE}.toml",
            found=series_id,
            expected=", ".join(sorted(release_rules())),
            next_step="add the series with a lag by which its values are certainly out",
        )
    if not _begins_a_period(reference_date, rule):
        raise PipelineError(
            f"{reference_date} does not begin a {rule.frequency} period of {series_id}",
            where=series_id,
            found=str(reference_date),
            expected="the first day of the period, as FRED labels it",
        )
    return rule


def _begins_a_period(day: date, rule: ReleaseRule) -> bool:
    return day.day == 1 and (rule.frequency == "monthly" or day.month in (1, 4, 7, 10))


def _period_end(first_day: date, rule: ReleaseRule) -> date:
    months = first_day.month - 1 + (1 if rule.frequency == "monthly" else 3)
    return date(first_day.year + months // 12, months % 12 + 1, 1) - timedelta(days=1)


def _block(series_id: str, block: dict[str, Any]) -> list[ReleaseDate]:
    refuse_unknown_keys(block, _BLOCK_KEYS, TABLE, series_id)
    text_of(block, "evidence", TABLE, series_id)
    basis = block.get("basis")
    if basis not in ("published", "scheduled"):
        raise entry_error(TABLE, series_id, f"basis = {basis!r}", "published or scheduled")
    rows = []
    for row in block["releases"]:
        entry = f"{series_id} {row}"
        if len(row) != 2:
            raise entry_error(TABLE, entry, f"{len(row)} values", "a period and a release date")
        named = dict(zip(("period", "released"), row, strict=True))
        period, released = (day_of(named, key, TABLE, entry) for key in ("period", "released"))
        rows.append(ReleaseDate(series_id, period, released, cast("Basis", basis)))
    return rows


def _rule(series_id: str, body: dict[str, Any]) -> ReleaseRule:
    refuse_unknown_keys(body, _SERIES_KEYS, TABLE, series_id)
    frequency = body.get("frequency")
    if frequency not in ("monthly", "quarterly"):
        raise entry_error(TABLE, series_id, f"frequency = {frequency!r}", "monthly or quarterly")
    longer_lags = []
    for longer in body.get("longer_lags", []):
        refuse_unknown_keys(longer, _LONGER_LAG_KEYS, TABLE, series_id)
        text_of(longer, "evidence", TABLE, series_id)
        first, last = (day_of(longer, key, TABLE, series_id) for key in ("first_period", "last_period"))
        longer_lags.append(LongerLag(first, last, _lag_of(longer, series_id)))
    return ReleaseRule(
        series_id=series_id,
        release=text_of(body, "release", TABLE, series_id),
        frequency=cast("Literal['monthly', 'quarterly']", frequency),
        lag_days=_lag_of(body, series_id),
        lag_evidence=text_of(body, "lag_evidence", TABLE, series_id),
        never_published=frozenset(body.get("never_published", [])),
        shutdown_periods=frozenset(body.get("shutdown_periods", [])),
        longer_lags=tuple(longer_lags),
    )


def _lag_of(body: dict[str, Any], series_id: str) -> int:
    lag = body.get("lag_days")
    if not isinstance(lag, int) or lag <= 0:
        raise entry_error(TABLE, series_id, f"lag_days = {lag!r}", "a number of days above 0")
    return lag


def _wrong(row: ReleaseDate, found: str, expected: str) -> PipelineError:
    return entry_error(TABLE, f"{row.series_id} {row.reference_date}", found, expected)
