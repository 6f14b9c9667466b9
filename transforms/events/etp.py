"""Launches, ends and leverage changes of exchange-traded products on VIX futures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, cast

from transforms.errors import PipelineError
from transforms.events.tables import (
    day_of,
    entry_error,
    is_weekday,
    optional_day_of,
    read_table,
    refuse_unknown_keys,
    text_of,
)

TABLE = "etp_launches"
_KEYS = {
    "ticker",
    "name",
    "issuer",
    "index_tracked",
    "launch_date",
    "launch_basis",
    "end_date",
    "end_reason",
    "multiples",
    "events",
    "evidence",
}


@dataclass(frozen=True)
class MultipleChange:
    """The daily multiple of the index that a product aims at, from its first session on."""

    from_date: date
    multiple: float


@dataclass(frozen=True)
class ProductEvent:
    """Another dated fact of a product: a ticker change, a stop of issuance."""

    event_date: date
    what: str


@dataclass(frozen=True)
class EtpLaunch:
    """One product: see ``etp_launches.toml`` for the meaning of the fields.

    A launch is known on its day; an end on its day; a multiple on the session it first applies to.
    """

    product_id: str
    ticker: str
    name: str
    issuer: str
    index_tracked: str
    launch_date: date
    launch_basis: Literal["first_trade", "inception"]
    end_date: date | None
    end_reason: str | None
    multiples: tuple[MultipleChange, ...]
    events: tuple[ProductEvent, ...]
    evidence: str

    def multiple_on(self, day: date) -> float | None:
        """Return the daily multiple aimed at on a day, None before the launch and after the end."""
        if day < self.launch_date or (self.end_date is not None and day > self.end_date):
            return None
        return [step.multiple for step in self.multiples if step.from_date <= day][-1]


@lru_cache(maxsize=1)
def etp_launches() -> tuple[EtpLaunch, ...]:
    """Return the products by launch date, then identifier.

    Raises
    ------
    PipelineError
        If an entry has an unknown key, a date on a weekend or out of order, an end without a reason or a
        reason without an end, no multiple from its launch on, or the same ticker listed twice at once.

    Source: issuers' releases, filings and the trade press, as each entry's evidence says.
    """
    return check_launches([_launch(name, body) for name, body in read_table(TABLE).items()])


def check_launches(launches: list[EtpLaunch]) -> tuple[EtpLaunch, ...]:
    """Return the launches in order if they can be right; see ``etp_launches``."""
    for launch in launches:
        _check(launch)
    return tuple(sorted(launches, key=lambda launch: (launch.launch_date, launch.product_id)))


def _check(launch: EtpLaunch) -> None:
    days = [step.from_date for step in launch.multiples]
    if not days or days[0] != launch.launch_date:
        raise _wrong(launch, f"multiples from {days[:1]}", f"the first from the launch on, {launch.launch_date}")
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise _wrong(launch, f"multiples from {days}", "ascending days")
    if any(later.multiple == earlier.multiple for earlier, later in pairwise(launch.multiples)):
        raise _wrong(launch, "a change to the same multiple", "a change")
    if any(step.multiple == 0 for step in launch.multiples):
        raise _wrong(launch, "a multiple of 0", "a multiple of the index's move")
    if (launch.end_date is None) != (launch.end_reason is None):
        raise _wrong(launch, f"end {launch.end_date}, reason {launch.end_reason!r}", "both or neither")
    if launch.end_date is not None and launch.end_date <= max(days):
        raise _wrong(launch, f"end {launch.end_date}", f"a day after {max(days)}")
    happened = [event.event_date for event in launch.events]
    if any(later <= earlier for earlier, later in pairwise([launch.launch_date, *happened])):
        raise _wrong(launch, f"events on {happened}", "ascending days after the launch")
    for day in (launch.launch_date, launch.end_date, *days, *happened):
        if day is not None and not is_weekday(day):
            raise _wrong(launch, f"{day:%A %Y-%m-%d}", "a weekday")


def _launch(name: str, body: dict[str, Any]) -> EtpLaunch:
    refuse_unknown_keys(body, _KEYS, TABLE, name)
    basis = body.get("launch_basis")
    if basis not in ("first_trade", "inception"):
        raise entry_error(TABLE, name, f"launch_basis = {basis!r}", "first_trade or inception")
    end_date = optional_day_of(body, "end_date", TABLE, name)
    return EtpLaunch(
        product_id=name,
        ticker=text_of(body, "ticker", TABLE, name),
        name=text_of(body, "name", TABLE, name),
        issuer=text_of(body, "issuer", TABLE, name),
        index_tracked=text_of(body, "index_tracked", TABLE, name),
        launch_date=day_of(body, "launch_date", TABLE, name),
        launch_basis=cast("Literal['first_trade', 'inception']", basis),
        end_date=end_date,
        end_reason=text_of(body, "end_reason", TABLE, name) if "end_reason" in body else None,
        multiples=tuple(
            MultipleChange(day_of(step, "from", TABLE, name), _multiple_of(step, name)) for step in body["multiples"]
        ),
        events=tuple(
            ProductEvent(day_of(event, "date", TABLE, name), text_of(event, "what", TABLE, name))
            for event in body.get("events", [])
        ),
        evidence=text_of(body, "evidence", TABLE, name),
    )


def _multiple_of(step: dict[str, Any], name: str) -> float:
    found = step.get("multiple")
    if not isinstance(found, float):
        raise entry_error(TABLE, name, f"multiple = {found!r}", "a number with a decimal point")
    return found


def _wrong(launch: EtpLaunch, found: str, expected: str) -> PipelineError:
    return entry_error(TABLE, launch.product_id, found, expected)
