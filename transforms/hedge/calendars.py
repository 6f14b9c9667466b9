"""Where the second engine can be constructed: call calendars of listed options, session by session.

Which expiries and strikes fit depends on the policy's deltas and days, so it is asked for by policy and only for the
sessions on which a policy would open; answers are kept, because readings and comparisons ask for the same.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.hedge.market import OptionMarket
from transforms.layers.codes import LayerState
from transforms.layers.records import LayerPath
from transforms.options.call_calendars import CallCalendarTargets, build_call_calendars
from transforms.positions.instruments import VixOption
from transforms.positions.targets import Constructor, OptionStructure
from transforms.positions.wants import Leg

NOT_CONSTRUCTIBLE = "not constructible: "
_UNKNOWN_STATUS = ("have no price",)
"""Part of a status that says that a value is missing, not that nothing fits."""


class _Calendar(NamedTuple):
    """The calendar of a session: why there is none, else its legs by one calendar and the bound of its shorts."""

    status: str
    legs: tuple[tuple[VixOption, int], ...]
    short_loss_bound_usd: float


@dataclass(frozen=True, eq=False)
class CalendarListing:
    """Call calendars by the deltas and days of a policy and by session, found once.

    Parameters
    ----------
    days
        Sessions, ascending.
    options
        What is listed and what it is priced with.
    """

    days: list[date]
    options: OptionMarket
    _found: dict[CallCalendarTargets, dict[int, _Calendar]] = field(default_factory=dict, init=False, repr=False)

    def is_constructible(self, machine: Mapping[str, Any], path: LayerPath) -> npt.NDArray[np.int8]:
        """Tell for the sessions of a path on which the second engine is active whether a calendar is listed.

        Parameters
        ----------
        machine
            What the policy states.
        path
            Of a run in which nothing stood against constructing. Where its second engine is not active, nothing is
            looked for and the answer is true: whoever asks does not act then.

        Returns
        -------
        int8, shape (n,)
            1 a calendar fits, 0 none does, -1 a price is missing.
        """
        sessions = np.flatnonzero(path.second_state == LayerState.ACTIVE).tolist()
        calendars = self._find(read_calendar_targets(machine), sessions)
        truths = np.ones(len(path), np.int8)
        for session in sessions:
            status = calendars[session].status
            if status != "ok":
                truths[session] = -1 if any(words in status for words in _UNKNOWN_STATUS) else 0
        return truths

    def constructor(self, machine: Mapping[str, Any], path: LayerPath) -> Constructor:
        """Return what makes the second engine's legs: as many calendars as the limit on the shorts' loss allows.

        Parameters
        ----------
        machine
            What the policy states.
        path
            Sessions on which it is active are looked up together, because that is far faster.
        """
        targets, limit_frac = read_calendar_targets(machine), float(machine["short_loss_frac"])
        calendars = self._find(targets, np.flatnonzero(path.second_state == LayerState.ACTIVE).tolist())

        def construct(session: int, nav_usd: float) -> OptionStructure | str:
            calendar = calendars.get(session) or self._find(targets, [session])[session]
            if calendar.status != "ok":
                return calendar.status.removeprefix(NOT_CONSTRUCTIBLE)
            wanted = limit_frac * nav_usd / calendar.short_loss_bound_usd
            # Down, not to the nearest: the limit is a limit, but binary noise takes no contract away.
            count = math.floor(wanted + 1e-9)
            if count == 0:
                return (
                    f"one short spread can lose {calendar.short_loss_bound_usd:,.0f} usd, "
                    f"the limit is {limit_frac * nav_usd:,.0f}"
                )
            legs = tuple(Leg(option, side * count, side * wanted) for option, side in calendar.legs)
            words = ", ".join(f"{'sold' if side < 0 else 'bought'} {option.code}" for option, side in calendar.legs)
            return OptionStructure(legs, f"{count} call calendars ({words})")

        return construct

    def _find(self, targets: CallCalendarTargets, sessions: list[int]) -> dict[int, _Calendar]:
        found = self._found.setdefault(targets, {})
        missing = [session for session in sessions if session not in found]
        if missing:
            made = build_call_calendars(
                [self.days[session] for session in missing],
                self.options.expiries,
                quotes=self.options.quotes,
                calibrations=self.options.calibrations,
                targets=targets,
                rules=self.options.rules,
            )
            legs = _list_legs(made.legs)
            days, rows = made.sessions["trade_date"], made.sessions[["status", "short_loss_bound_usd"]]
            for session, day, row in zip(missing, days.tolist(), rows.to_numpy().tolist(), strict=True):
                found[session] = _Calendar(str(row[0]), tuple(legs[day]), float(row[1]))
        return found


def read_calendar_targets(machine: Mapping[str, Any]) -> CallCalendarTargets:
    """Take what the legs shall be out of what a policy states (:meth:`Policy.machine`).

    Raises
    ------
    KeyError
        A number is missing.
    """
    return CallCalendarTargets(**{one.name: float(machine[one.name]) for one in fields(CallCalendarTargets)})


def _list_legs(legs: pd.DataFrame) -> Mapping[pd.Timestamp, list[tuple[VixOption, int]]]:
    """Signed options of one calendar by session; a session without any has none."""
    by_session: defaultdict[pd.Timestamp, list[tuple[VixOption, int]]] = defaultdict(list)
    names = ["trade_date", "expiry_date", "strike_pts", "right", "contracts"]
    for day, expiry, strike, right, side in zip(*(legs[name].tolist() for name in names), strict=True):
        by_session[day].append((VixOption(expiry.date(), float(strike), right == "C"), int(side)))
    return by_session
