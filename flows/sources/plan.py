"""The fetch plan: which files to ask for, given what is already stored. It never asks itself.

Over a network only what can have changed is asked for: an expired contract whose file has held its
final settlement for a week is never asked for again, nor is an archive file, nor a month known to be absent,
nor a count of issues that has ended. What is damaged on our side is asked for whatever it is. In a folder
asking costs nothing, so everything is compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from flows.sources import cboe, federal_reserve, fred, proshares, shiller, unicorn
from flows.sources.base import Request
from transforms import calendar
from transforms.contracts import ListedContract
from transforms.formats import last_breadth_date
from warehouse.raw_store import FileState, RawStore

_SESSIONS_FOR_COMPARISON = 3
_LONGEST_LAG_SESSIONS = 8
"""Contract files once stood still for six sessions (November 2024)."""
_SETTLED_LONG_AGO = timedelta(days=30)
_CORRECTED_WITHIN = timedelta(days=7)
"""A last line that is wrong on its evening is right the morning after: a file is not final because it is complete."""


@dataclass(frozen=True)
class Plan:
    """Requests to make, and how many files need none."""

    requests: tuple[Request, ...]
    complete: int


def first_requests() -> list[Request]:
    """What every night asks for: the contract list, index histories, rates."""
    return [cboe.contract_list(), *cboe.index_histories(), cboe.final_settlements(), fred.bill_rate()]


def plan_contracts(store: RawStore, listed: Iterable[ListedContract], session: date, *, ask_everything: bool) -> Plan:
    """Plan the contract files of a night.

    Parameters
    ----------
    listed
        The contracts on Cboe's list.
    session
        The newest session that can have been settled.
    ask_everything
        True where asking is free, or where the user wants the whole history compared.
    """
    candidates = [
        *(
            cboe.contract_file(contract.expiry_date, is_monthly=contract.duration_type == "M")
            for contract in sorted(listed, key=lambda contract: contract.expiry_date)
        ),
        *(cboe.archive_file(month) for month in _archive_months()),
    ]
    wanted = [
        request
        for request in candidates
        if ask_everything or _can_have_changed(request, store.state(request.publisher, request.name), session)
    ]
    return Plan(tuple(wanted), complete=len(candidates) - len(wanted))


def plan_evenings(store: RawStore, session: date) -> list[Request]:
    """Plan the same-evening tables: from shortly before the newest session of the contract files, on.

    The tables of sessions that the contract files hold are wanted once, for comparison: with their
    settlements, and with the next table, which before its publication is the one before again.
    Those after it are the only settlements there are, and are asked for again until the contract
    files have caught up. One that is damaged on our side is wanted once more, whatever its day.
    """
    files = store.current_files()
    newest = max((file.last_date for file in files if file.last_date), default=None)
    if newest is None:
        return []
    around = calendar.sessions("XCBF", newest - timedelta(days=14), max(session, newest))
    held = [day for day in around if day <= newest][-_SESSIONS_FOR_COMPARISON:]
    missing = [day for day in around if newest < day <= session][:_LONGEST_LAG_SESSIONS]
    once = [cboe.daily_settlements(day) for day in held if day <= session]
    damaged = [
        cboe.daily_settlements(day)
        for file in files
        if file.dataset == "vx_daily_settlement"
        and (day := date.fromisoformat(file.name[11:21])) not in missing
        and not file.is_whole
    ]
    return [
        *(request for request in once if store.state(request.publisher, request.name).current is None),
        *damaged,
        *(cboe.daily_settlements(day) for day in missing),
    ]


def plan_context(store: RawStore, *, ask_everything: bool, with_vintages: bool) -> Plan:
    """Plan what surrounds the volatility market: nothing that a night waits for.

    Parameters
    ----------
    ask_everything
        As in :func:`plan_contracts`.
    with_vintages
        True where vintages can be had: with the user's own key, or from a folder.
    """
    candidates = [
        cboe.option_chain(),
        *cboe.price_bars(),
        *fred.context_series(),
        federal_reserve.meeting_calendar(),
        shiller.monthly_data(),
        *proshares.fund_histories(),
        *unicorn.breadth_files(),
        *(fred.vintages() if with_vintages else []),
    ]
    wanted = [
        request
        for request in candidates
        if ask_everything or not _has_ended(request, store.state(request.publisher, request.name))
    ]
    return Plan(tuple(wanted), complete=len(candidates) - len(wanted))


def _has_ended(request: Request, state: FileState) -> bool:
    if request.dataset != "nyse_breadth" or state.current is None:
        return False
    newest = last_breadth_date(state.current.path.read_bytes())
    return newest is not None and newest >= unicorn.LAST_DATE


def _can_have_changed(request: Request, state: FileState, session: date) -> bool:
    if state.current is not None and not state.current.is_whole:
        return True  # no night reads it, and the publisher may have it still
    if request.dataset == "vx_archive":
        return state.current is None and state.absent is None
    if state.current is None or state.current.last_date is None:
        return True
    expiry = date.fromisoformat(request.name[3:13])
    if expiry > session:
        return True
    is_complete = state.current.last_date >= expiry
    return session - expiry < (_CORRECTED_WITHIN if is_complete else _SETTLED_LONG_AGO)


def _archive_months() -> list[date]:
    return [stamp.date() for stamp in pd.date_range(cboe.FIRST_ARCHIVE_MONTH, cboe.LAST_ARCHIVE_MONTH, freq="MS")]
