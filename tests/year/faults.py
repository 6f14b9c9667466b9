"""What goes wrong in the year: kinds, what they are done to, how long they last, drawn evening by evening.

An evening's draw depends on the seed and on the number of the session only, so that a run that was broken off goes on
as it would have.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from flows.sources.loopback_faults import KINDS, add_session, scale_newest
from tests.support.killed_night import POINTS
from tests.year.market import TrueMarket, closed_weekday_before, contract_pattern
from tests.year.server import SLOW_SECONDS

ONCE, FIRST, EVENING, TWO = "the first answer", "the first attempt", "the evening", "two sessions"
"""How long a fault lasts; what lasts an evening is over in the morning."""

INDICES = ("VIX", "VIX9D", "VIX3M", "VIX6M", "SPX", "VVIX", "SKEW")
LIST, BILLS, TABLE = "product/list", "id=DTB3", "settlement/csv"
_SPREADSHEET = (
    *("bom", "empty", "shrunk", "rolled-back", "header-changed", "columns-swapped", "said-twice", "future"),
    *("nan", "inf", "1e308", "ten-times", "stale-line", "holiday"),
)
"""Kinds that are done to the lines of a contract's or an index's file."""
_CONTRACT = (
    "another-file",
    *(kind for kind in KINDS if kind not in (*_SPREADSHEET, "utf-16", "unlisted") and "body" in KINDS[kind].fields),
)
"""Kinds that change a column which only a contract's file has, and the one that needs another contract's."""
SIZES = {"0.2 %": 1.002, "1 %": 1.01, "5 %": 1.05, "20 %": 1.2, "ten times": 10.0}
"""Wrong values of the newest session, by how far they are off."""
KILLED = tuple(name for name in POINTS if not any(word in name for word in ("site", "pages", "notify", "message")))
"""Points at which a night is killed; sites and messages are left out of the year's nights."""

_WEIGHTS: Mapping[str, int] = {
    "server": 44,
    "wrong value": 12,
    "restated for good": 4,
    "late": 4,
    "contract files late": 5,
    "killed at a step": 10,
    "killed at random": 5,
    "full disk": 3,
    "two at once": 2,
    "bad policy": 2,
    "bad book": 2,
    "clock set back": 2,
    "damaged raw file": 2,
    "damaged warehouse": 2,
    "new code": 1,
}
_LISTED_LONG = timedelta(days=20)
_HOW_MANY = ((0, 42), (1, 34), (2, 17), (3, 7))
"""Faults of an evening, with their weights."""


@dataclass(frozen=True)
class Event:
    """One thing that goes wrong.

    Attributes
    ----------
    kind
        A kind of the loopback server's (with ``group`` ``server``), or a group's own name.
    target
        What it is done to: a pattern of addresses, a point of the night, a size.
    lasts
        One of the durations above; empty where it has none.
    number
        What else it needs, between 0 and 1.
    """

    group: str
    kind: str
    target: str = ""
    lasts: str = ""
    number: float = 0.0

    @property
    def name(self) -> str:
        """The kind as it is counted."""
        return self.kind if self.group in ("server", "wrong value") else self.group

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def draw_events(market: TrueMarket, day: date, seed: int, number: int) -> list[Event]:
    """Draw what goes wrong on the evening of a session."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - a plan, no secret
    counts, weights = zip(*_HOW_MANY, strict=True)
    groups = dice.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()), k=dice.choices(counts, weights=weights)[0])
    return [_draw(group, market, day, dice) for group in groups]


def _draw(group: str, market: TrueMarket, day: date, dice: random.Random) -> Event:
    lasts = dice.choices((ONCE, FIRST, EVENING, TWO), weights=(30, 40, 20, 10))[0]
    match group:
        case "server":
            return _draw_served(market, day, dice, lasts)
        case "wrong value":
            size = dice.choice(list(SIZES))
            is_contract = dice.random() < 0.6
            return Event(
                group, f"newest value {size} off", _file(market, day, dice) if is_contract else _index(dice), lasts
            )
        case "killed at a step":
            return Event(group, "killed", dice.choice(KILLED))
        case "late":
            return Event(group, group, lasts=dice.choice((FIRST, EVENING)))
        case "full disk":
            return Event(group, group, target=str(dice.choice((2_000, 20_000, 300_000, 5_000_000))))
        case _:
            return Event(group, group, number=dice.random())


def _draw_served(market: TrueMarket, day: date, dice: random.Random, lasts: str) -> Event:
    kind = dice.choice(list(KINDS))
    if kind == "unlisted":
        target = LIST
    elif kind in _CONTRACT:
        target = _file(market, day, dice)
    elif kind in _SPREADSHEET:
        target = _file(market, day, dice) if dice.random() < 0.5 else _index(dice)
    else:
        other = dice.choice((LIST, BILLS, TABLE))
        target = dice.choice((_file(market, day, dice), _file(market, day, dice), _index(dice), _index(dice), other))
    # one that lies about its version must last, or nothing comes of it
    return Event("server", kind, target, TWO if kind == "frozen-etag" else lasts)


def _file(market: TrueMarket, day: date, dice: random.Random) -> str:
    """A contract listed long enough to have lines to change; on its last day the expiring one is among them."""
    old = [
        contract.expiry_date
        for contract in market.whole.contracts
        if contract.expiry_date >= day and contract.listed_on + _LISTED_LONG <= day
    ]
    return contract_pattern(dice.choice(old))


def _index(dice: random.Random) -> str:
    return f"/{dice.choice(INDICES)}_History"


def fields_of(event: Event, market: TrueMarket, day: date) -> Iterator[Mapping[str, Any]]:
    """The loopback server's faults for an event that a publisher plays."""
    times = {"times": 1} if event.lasts == ONCE else {}
    if event.group == "wrong value":
        factor = SIZES[event.kind.removeprefix("newest value ").removesuffix(" off")]
        is_contract = "VX_" in event.target
        # of a contract the settlement alone, of an index the whole line
        yield {"body": scale_newest(factor, column=6 if is_contract else None), **times}
        return
    fields = dict(KINDS[event.kind].fields)
    if event.kind == "slow":
        fields["delay_seconds"] = SLOW_SECONDS
    if event.kind == "too-many":
        fields["retry_after"] = "0"
    if event.kind == "holiday":
        fields["body"] = add_session(closed_weekday_before(day).isoformat())
    if event.kind == "another-file":
        fields["instead"] = _another(event.target, market, day)
    yield {**fields, **times}


def _another(target: str, market: TrueMarket, day: date) -> str:
    names: Sequence[str] = [contract_pattern(expiry) for expiry in market.monthlies_after(day)]
    other = next(name for name in names if name != target)
    return f"/cdn.cboe.com/data/us/futures/market_statistics/historical_data/VX/{other}.csv"
