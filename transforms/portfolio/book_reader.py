"""Reading ``book.toml``: a checked `Book` out, or an error that names the line.

Nothing is guessed and nothing is ignored: an unknown key, a contract that cannot exist and a number that cannot be
right are refused, because each of them is a book other than the one its owner meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, cast

from transforms.calendar import FIRST_SESSION, sessions, vx_monthly_settlement_dates
from transforms.errors import BookError, UsageError
from transforms.portfolio.book import (
    Book,
    FutureContract,
    FuturePosition,
    OptionLeg,
    ReturnTargets,
    Right,
    VixOptionPosition,
)
from transforms.toml_file import TomlFile, TomlReader, dotted, show_value
from transforms.toml_lines import entry
from transforms.wording import nearest

SPX_STRIKE_STEP_PTS, VIX_STRIKE_STEP_PTS = 5.0, 0.5
"""Strikes are multiples of these (Cboe product specifications)."""
MOST_POSITIONS = 500
"""In one list of the book."""
LATEST_AS_OF = date(2099, 12, 31)
"""No book is of a later day, whatever the day on which it is read."""

_SPX_HORIZON, _VIX_HORIZON = timedelta(days=6 * 366), timedelta(days=2 * 366)
_LARGEST_PTS, _LARGEST_VIX_PTS = 100_000.0, 500.0
_MOST_CONTRACTS = 1_000_000
_WEDNESDAY = 2
_ACCOUNT = ("margin_usd", "cash_usd", "bills_usd")
_RETURNS = ("required_return_frac", "wacc_frac", "equity_premium_frac")

Path = tuple[str, ...]


@dataclass(frozen=True)
class BookFile(TomlFile):
    """The text of a book and its name."""

    kind: ClassVar[str] = "book"
    error: ClassVar[type[UsageError]] = BookError
    way_out: ClassVar[str] = "start from the example in docs/book.md"


def read_book(text: str, *, where: str, today: date) -> Book:
    """Read and check a book.

    Parameters
    ----------
    text
        The TOML file.
    where
        Name of the file, for errors.
    today
        The book must not be of a later day.

    Raises
    ------
    BookError
        At the first thing that cannot be used; ``where`` is ``file:line (key)``.
    """
    source = BookFile(text.removeprefix("\ufeff"), where)
    return _Reader(source, today).book(source.tables())


def describe_refusal(error: BookError) -> str:
    """Return an error of a book on one line: what, where, found and expected."""
    parts = (("at ", error.where), ("found ", error.found), ("expected ", error.expected))
    said = ", ".join(word + " ".join(text.split()) for word, text in parts if text)
    return f"{error.what}: {said}" if said else error.what


@dataclass(frozen=True)
class _Reader(TomlReader):
    today: date

    def book(self, tables: dict[str, Any]) -> Book:
        """Read the whole file."""
        self.check_keys((), tables, ("account",), ("condor", "hedge", "returns"))
        account, path = self.table((), tables, "account"), ("account",)
        self.check_keys(path, account, ("nav_usd", "as_of"), _ACCOUNT)
        as_of = self.day(path, account, "as_of")
        if not FIRST_SESSION <= as_of <= self.today:
            self.fail(
                (*path, "as_of"),
                "the book is of a day it cannot be of",
                found=as_of.isoformat(),
                expected=f"{FIRST_SESSION} to {self.today}",
                next_step="write the day after whose close the positions are as stated",
            )
        money = {key: self.optional_number(path, account, key) for key in _ACCOUNT}
        for key in ("margin_usd", "bills_usd"):
            if (money[key] or 0) < 0:
                self.fail((*path, key), f"{key} is negative", found=f"{money[key]:g}", expected="0 or more")
        nav = self.number(path, account, "nav_usd")
        if nav <= 0:
            self.fail(
                (*path, "nav_usd"),
                "an account without a positive value has nothing to protect",
                found=f"{nav:g}",
                expected="dollars above 0",
            )
        legs, delta, vega = self.condor(tables, as_of)
        hedge = self.table((), tables, "hedge") if "hedge" in tables else {}
        self.check_keys(("hedge",), hedge, (), ("futures", "options"))
        futures = tuple(self.future(path, body, as_of) for path, body in self.entries(("hedge",), hedge, "futures"))
        options = tuple(self.vix_option(path, body, as_of) for path, body in self.entries(("hedge",), hedge, "options"))
        self.check_once(("hedge", "futures"), [(item.contract, item.expiry_date) for item in futures])
        self.check_once(("hedge", "options"), [(item.expiry_date, item.right, item.strike_pts) for item in options])
        return Book(
            as_of=as_of,
            nav_usd=nav,
            **money,
            legs=legs,
            net_delta_usd=delta,
            net_vega_usd=vega,
            futures=futures,
            options=options,
            returns=self.returns(tables),
        )

    def condor(
        self, tables: Mapping[str, Any], as_of: date
    ) -> tuple[tuple[OptionLeg, ...], float | None, float | None]:
        """Read the protected condor: legs, or stated greeks, or neither."""
        if "condor" not in tables:
            return (), None, None
        path, body = ("condor",), self.table((), tables, "condor")
        self.check_keys(path, body, (), ("legs", "net_delta", "net_vega_usd"))
        stated = [key for key in ("net_delta", "net_vega_usd") if key in body]
        if stated and "legs" in body:
            self.fail(
                (*path, stated[0]),
                "the condor is stated twice, by its legs and by its greeks",
                found=f"legs and {' and '.join(stated)}",
                expected="one of the two",
                next_step="remove the greeks: those of the legs are computed",
            )
        if "net_vega_usd" not in body and "legs" not in body:
            self.fail(
                path,
                "the condor has neither legs nor a vega",
                expected="[[condor.legs]], or net_vega_usd with or without net_delta",
                next_step="leave [condor] out to protect the model condor",
            )
        legs = tuple(self.leg(place, entry_body, as_of) for place, entry_body in self.entries(path, body, "legs"))
        if "legs" in body and not legs:
            self.fail((*path, "legs"), "the list of legs is empty", expected="one leg or more")
        self.check_once((*path, "legs"), [(leg.expiry_date, leg.right, leg.strike_pts) for leg in legs])
        delta, vega = (self.optional_number(path, body, key) for key in ("net_delta", "net_vega_usd"))
        return legs, delta, vega

    def leg(self, path: Path, body: Any, as_of: date) -> OptionLeg:
        """Read one SPX leg."""
        self.check_keys(path, body, ("expiry", "right", "strike", "quantity"), ("price",))
        expiry = self.expiry(path, body, as_of, _SPX_HORIZON)
        if expiry not in _spx_sessions(as_of):
            before = max(day for day in _spx_sessions(as_of) if day < expiry)
            self.fail(
                (*path, "expiry"),
                "no SPX option expires on a day without a session",
                found=f"{expiry:%Y-%m-%d, a %A}",
                expected=f"a session, such as {before}",
            )
        return OptionLeg(
            expiry_date=expiry,
            right=self.right(path, body),
            strike_pts=self.strike(path, body, SPX_STRIKE_STEP_PTS, _LARGEST_PTS),
            quantity=self.quantity(path, body),
            price_pts=self.price(path, body, "price", _LARGEST_PTS),
        )

    def future(self, path: Path, body: Any, as_of: date) -> FuturePosition:
        """Read one position in VIX futures."""
        self.check_keys(path, body, ("contract", "expiry", "quantity"), ("cost",))
        contract = self.text(path, body, "contract")
        if contract not in ("VX", "VXM"):
            self.fail(
                (*path, "contract"),
                "there is no such VIX future",
                found=contract,
                expected=nearest(contract, ("VX", "VXM"), "VX ($1,000 a point) or VXM ($100)"),
            )
        cost = self.price(path, body, "cost", _LARGEST_VIX_PTS)
        if cost == 0:
            self.fail((*path, "cost"), "no future was ever bought or sold at 0", found="0", expected="points above 0")
        return FuturePosition(
            contract=cast(FutureContract, contract),
            expiry_date=self.vix_expiry(path, body, as_of),
            quantity=self.quantity(path, body),
            cost_pts=cost,
        )

    def vix_option(self, path: Path, body: Any, as_of: date) -> VixOptionPosition:
        """Read one position in VIX options."""
        self.check_keys(path, body, ("expiry", "right", "strike", "quantity"), ("cost",))
        return VixOptionPosition(
            expiry_date=self.vix_expiry(path, body, as_of),
            right=self.right(path, body),
            strike_pts=self.strike(path, body, VIX_STRIKE_STEP_PTS, _LARGEST_VIX_PTS),
            quantity=self.quantity(path, body),
            cost_pts=self.price(path, body, "cost", _LARGEST_VIX_PTS),
        )

    def returns(self, tables: Mapping[str, Any]) -> ReturnTargets:
        """Read what the account is to earn."""
        path, body = ("returns",), self.table((), tables, "returns") if "returns" in tables else {}
        self.check_keys(path, body, (), _RETURNS)
        found = {key: self.optional_number(path, body, key) for key in _RETURNS}
        for key, value in found.items():
            if value is not None and not 0 <= value < 1:
                self.fail(
                    (*path, key),
                    f"{key} is no return a year",
                    found=f"{value:g}",
                    expected="a fraction from 0 to below 1: 0.12 for 12%",
                )
        return ReturnTargets(**found)

    # ---- single values ----

    def entries(self, path: Path, body: Mapping[str, Any], key: str) -> list[tuple[Path, Any]]:
        """Return the entries of a list of tables, each with its path; none where the list is left out."""
        found = body.get(key, [])
        place = (*path, key)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            self.fail(
                place,
                f"{dotted(place)} is not a list of tables",
                found=show_value(found),
                expected=f"[[{dotted(place)}]] before each entry",
            )
        if len(found) > MOST_POSITIONS:
            self.fail(
                place, "the list is too long", found=f"{len(found):,} entries", expected=f"up to {MOST_POSITIONS}"
            )
        return [((*place, entry(number)), item) for number, item in enumerate(found, start=1)]

    def check_once(self, path: Path, keys: list[tuple[object, ...]]) -> None:
        """Refuse a position that stands twice."""
        for number, key in enumerate(keys, start=1):
            if key in keys[: number - 1]:
                self.fail(
                    (*path, entry(number)),
                    "the same contract stands in the list twice",
                    found=" ".join(str(part) for part in key),
                    expected="one entry a contract, with the whole quantity",
                )

    def optional_number(self, path: Path, body: Mapping[str, Any], key: str) -> float | None:
        """Return a number, or None where it is left out."""
        return self.number(path, body, key) if key in body else None

    def day(self, path: Path, body: Mapping[str, Any], key: str) -> date:
        """Return a day: a TOML date, not text and not an instant."""
        found = body[key]
        if not isinstance(found, date) or isinstance(found, datetime):
            self.fail(
                (*path, key), f"{key} is not a day", found=show_value(found), expected="2026-01-16, without quotes"
            )
        return found

    def expiry(self, path: Path, body: Mapping[str, Any], as_of: date, horizon: timedelta) -> date:
        """Return an expiry that lies ahead, and not beyond what is listed."""
        found = self.day(path, body, "expiry")
        if found <= as_of:
            self.fail(
                (*path, "expiry"),
                "the position has expired by the day of the book",
                found=found.isoformat(),
                expected=f"a day after {as_of}",
                next_step="remove the position, or mend as_of",
            )
        if found > as_of + horizon:
            self.fail(
                (*path, "expiry"),
                "no such expiry is listed yet",
                found=found.isoformat(),
                expected=f"a day up to {as_of + horizon}",
            )
        return found

    def vix_expiry(self, path: Path, body: Mapping[str, Any], as_of: date) -> date:
        """Return a settlement date of VIX futures and options."""
        found = self.expiry(path, body, as_of, _VIX_HORIZON)
        monthly, weekly = _vix_settlements(as_of)
        if found not in monthly and found not in weekly:
            near = sorted(monthly, key=lambda day: abs(day - found))[:2]
            self.fail(
                (*path, "expiry"),
                "no VIX contract settles on this day",
                found=f"{found:%Y-%m-%d, a %A}",
                expected=f"a settlement date, such as {' or '.join(str(day) for day in sorted(near))}",
                next_step="VIX contracts settle 30 days before an SPX expiry, usually on a Wednesday",
            )
        return found

    def right(self, path: Path, body: Mapping[str, Any]) -> Right:
        """Return C or P."""
        found = self.text(path, body, "right")
        if found not in ("C", "P"):
            likely = {"c": '"C"', "p": '"P"'}.get(found[0].lower(), '"C" for a call or "P" for a put')
            self.fail((*path, "right"), "an option is a call or a put", found=found, expected=likely)
        return cast(Right, found)

    def strike(self, path: Path, body: Mapping[str, Any], step: float, largest: float) -> float:
        """Return a strike on the grid of listed ones."""
        found = self.number(path, body, "strike")
        if not 0 < found <= largest or found % step:
            self.fail(
                (*path, "strike"),
                "no such strike is listed",
                found=f"{found:g}",
                expected=f"a multiple of {step:g}, up to {largest:g} points",
            )
        return found

    def quantity(self, path: Path, body: Mapping[str, Any]) -> int:
        """Return a whole number of contracts, not 0."""
        found = body["quantity"]
        is_whole = isinstance(found, int) and not isinstance(found, bool)
        if not is_whole or found == 0 or abs(found) > _MOST_CONTRACTS:
            self.fail(
                (*path, "quantity"),
                "quantity is not a number of contracts",
                found=show_value(found),
                expected="a whole number: above 0 bought, below 0 sold",
            )
        return int(found)

    def price(self, path: Path, body: Mapping[str, Any], key: str, largest: float) -> float | None:
        """Return a price in points, or None where it is left out."""
        found = self.optional_number(path, body, key)
        if found is not None and not 0 <= found <= largest:
            self.fail((*path, key), f"{key} is no price", found=f"{found:g}", expected=f"0 to {largest:g} points")
        return found


@lru_cache(maxsize=8)
def _spx_sessions(as_of: date) -> frozenset[date]:
    return frozenset(sessions("XNYS", as_of - timedelta(days=7), as_of + _SPX_HORIZON))


@lru_cache(maxsize=8)
def _vix_settlements(as_of: date) -> tuple[frozenset[date], frozenset[date]]:
    """Settlement dates of monthlies, and of weeklies in the weeks without one."""
    last = as_of + _VIX_HORIZON
    monthly = frozenset(item.expiry_date for item in vx_monthly_settlement_dates(as_of - timedelta(days=31), last))
    open_days = sessions("XCBF", as_of - timedelta(days=7), last)
    taken = {day.isocalendar()[:2] for day in monthly}
    weekly: dict[tuple[int, int], date] = {}
    for day in open_days:  # the last session of each week up to its Wednesday
        week = day.isocalendar()[:2]
        if day.weekday() <= _WEDNESDAY and week not in taken:
            weekly[week] = day
    return monthly, frozenset(weekly.values())
