"""Fetching: ask a source for what the plan says and store each answer before asking for the next.

Context comes last, and with a bound on its time, so that none of its many hosts can cost a settlement.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flows.sources import cboe, plan
from flows.sources.base import Absent, Fetched, Known, NotModified, Request, Source
from flows.sources.user_files import UserFiles, user_files
from transforms.contracts import ListedContract, parse_contract_list
from transforms.errors import SourceError, TransientSourceError
from warehouse.raw_store import RawStore
from warehouse.stored_book import find_early_book

_FLUSH_EVERY = 25
_GIVE_UP_AFTER = 8
"""Failures in a row after which the rest of a host is left for the next run: it is down, not a file."""
_GIVE_UP_CONTEXT_AFTER = 2
CONTEXT_SECONDS = 300.0
"""Time after which no further context is asked for. One request of it is bounded by the source."""

_RUN_AGAIN = "everything that was fetched is stored; run again later, only the rest is asked for"

Progress = Callable[[int, int, str], None]
"""Called with requests done, requests planned, and the name just answered."""


@dataclass(frozen=True)
class Failure:
    """A request that was not answered, or answered with something that cannot be the file."""

    publisher: str
    dataset: str
    name: str
    requirement: str
    reason: str
    is_refused: bool
    is_transient: bool


@dataclass
class FetchSummary:
    """What a night asked for and got. Counts are files."""

    asked: int = 0
    new: int = 0
    unchanged: int = 0
    absent: int = 0
    complete: int = 0
    changed_names: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain values for the run record."""
        return asdict(self)

    def counts(self) -> dict[str, int]:
        """Return the counts by name."""
        names = ("asked", "new", "unchanged", "absent", "complete")
        return {name: getattr(self, name) for name in names} | {"failed": len(self.failures)}

    def sentence(self) -> str:
        """Return the summary as one line."""
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return (
            f"{self.asked} asked: {self.new} new, {self.unchanged} unchanged, {self.absent} absent{failed}; "
            f"{self.complete} complete, not asked"
        )


def fetch_night(
    source: Source,
    store: RawStore,
    session: date,
    *,
    ask_everything: bool = False,
    with_vintages: bool = False,
    home: Path | None = None,
    progress: Progress | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> FetchSummary:
    """Ask for everything a night needs, then for what it can do without.

    Every answer is stored, synced to the disk, before the next request: a run that is broken off
    has lost nothing, and the next one asks only for the rest.

    Parameters
    ----------
    ask_everything
        True where asking is free, or where the user wants the whole history compared: then with the bodies
        themselves, because a publisher's tag may stay when its file changes.
    with_vintages
        True where vintages of the macro series can be had.
    home
        Home folder whose ``inputs/`` are read; None reads none.
    monotonic
        The clock that bounds the time spent on context.
    """
    asking = _Asking(store, FetchSummary(), progress, trusts_tags=not ask_everything)
    summary = asking.summary
    try:
        asking.ask(source, plan.first_requests())
        contracts = plan.plan_contracts(store, _listed(store), session, ask_everything=ask_everything)
        summary.complete = contracts.complete
        asking.planned = summary.asked + len(contracts.requests)
        asking.ask(source, contracts.requests)
        asking.ask(source, plan.plan_evenings(store, session))
        if home is not None:
            asking.ask(UserFiles(home), user_files())
        context = plan.plan_context(store, ask_everything=ask_everything, with_vintages=with_vintages)
        summary.complete += context.complete
        asking.planned = summary.asked + len(context.requests)
        until = monotonic() + CONTEXT_SECONDS
        asking.ask(source, context.requests, _GIVE_UP_CONTEXT_AFTER, is_over=lambda: monotonic() > until)
    finally:
        store.flush()
    return summary


def name_early_book(store: RawStore, today: date) -> list[Failure]:
    """Return a book that is of a later day as a failure: it waits for its day, and the one before it stays in use."""
    early = find_early_book(store, today)
    if early is None:
        return []
    file, reason = early
    return [Failure(file.publisher, file.dataset, file.name, "optional", f"not used yet: {reason}", True, False)]


def raise_if_worth_retrying(summary: FetchSummary) -> None:
    """Raise when something required failed in a way that may pass: a later try asks only for the rest."""
    failed = [entry for entry in summary.failures if entry.requirement == "required" and entry.is_transient]
    if failed:
        raise _could_not_be_had(TransientSourceError, failed)


def require_inputs(store: RawStore, summary: FetchSummary) -> None:
    """Judge what was fetched: go on only with everything that is required.

    Raises
    ------
    SourceError
        When something required was refused or failed tonight, or was never stored: the published
        warehouse stays as it is.
    """
    required = [failure for failure in summary.failures if failure.requirement == "required"]
    if required:
        raise _could_not_be_had(SourceError, required)
    for request in plan.first_requests():
        if request.requirement == "required" and store.state(request.publisher, request.name).current is None:
            raise SourceError(
                "a required file is absent",
                where=request.url,
                expected="the publisher's file",
                next_step="check the archive folder or the network, then run again",
            )
    if not any(file.dataset == "vx_contract" for file in store.current_files()):
        raise SourceError(
            "no contract file could be had",
            where="VX contract files",
            expected="at least the listed contracts' files",
            next_step="check the archive folder or the network, then run again",
        )


@dataclass
class _Asking:
    """The asking of one night: what came of it so far, and which hosts do not answer."""

    store: RawStore
    summary: FetchSummary
    progress: Progress | None
    trusts_tags: bool
    planned: int | None = None
    failures_in_a_row: Counter[str] = field(default_factory=Counter)

    def ask(
        self,
        source: Source,
        requests: Iterable[Request],
        give_up_after: int = _GIVE_UP_AFTER,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Ask for each file in turn, but leave out hosts that failed too often, and all once it is over."""
        for request in _paced(requests, self.store):
            host = urlsplit(request.url).hostname or ""
            if self.failures_in_a_row[host] >= give_up_after:
                self._leave_out(request, f"{host or 'the folder'} failed too often before it")
            elif is_over():
                self._leave_out(request, "what is optional has taken too long tonight")
            else:
                self._ask_one(source, request, host)

    def _leave_out(self, request: Request, reason: str) -> None:
        self.summary.failures.append(_failure(request, f"not asked: {reason}", is_transient=True))

    def _ask_one(self, source: Source, request: Request, host: str) -> None:
        self.summary.asked += 1
        try:
            failed = _answer(source, self.store, request, self.summary, trusts_tags=self.trusts_tags)
        except SourceError as error:
            failed = _failure(request, _one_line(error), is_transient=isinstance(error, TransientSourceError))
        if failed is not None:
            self.summary.failures.append(failed)
        if failed is None or failed.is_refused:
            self.failures_in_a_row[host] = 0
        else:
            self.failures_in_a_row[host] += 1
        if self.progress is not None:
            self.progress(self.summary.asked, self.planned or self.summary.asked, request.name)


def _answer(
    source: Source, store: RawStore, request: Request, summary: FetchSummary, *, trusts_tags: bool
) -> Failure | None:
    state = store.state(request.publisher, request.name)
    newest = state.newest
    known = None
    if newest is not None and newest.is_whole:  # a damaged file is asked for as if it were not there
        tags = (newest.headers.get("etag"), newest.headers.get("last-modified")) if trusts_tags else (None, None)
        known = Known(newest.sha256, *tags)
    outcome = source.fetch(request, known)
    match outcome:
        case NotModified():
            summary.unchanged += 1
            store.note_checked(request.publisher, request.name, outcome.checked_at_utc)
            stored = newest
        case Absent():
            summary.absent += 1
            store.note_checked(request.publisher, request.name, outcome.checked_at_utc, outcome.reason)
            return None if request.may_be_absent else _failure(request, f"absent: {outcome.reason}")
        case Fetched():
            stored, is_new = store.land(
                publisher=request.publisher,
                dataset=request.dataset,
                name=request.name,
                url=request.url,
                body=outcome.body,
                status=outcome.status,
                headers=outcome.headers,
                fetched_at=outcome.fetched_at_utc,
            )
            summary.new += is_new
            summary.unchanged += not is_new
            if is_new:
                summary.changed_names.append(request.name)
    if stored is not None and stored.refusal is not None:
        return _failure(request, f"refused: {stored.refusal}", is_refused=True)
    return None


def _paced(requests: Iterable[Request], store: RawStore) -> Iterator[Request]:
    for request in requests:
        yield request
        store.flush_when_due(_FLUSH_EVERY)


def _listed(store: RawStore) -> list[ListedContract]:
    request = cboe.contract_list()
    stored = store.state(request.publisher, request.name).current
    return parse_contract_list(stored.path.read_bytes())[0] if stored is not None else []


def _failure(request: Request, reason: str, *, is_refused: bool = False, is_transient: bool = False) -> Failure:
    return Failure(
        request.publisher,
        request.dataset,
        request.name,
        request.requirement,
        reason,
        is_refused,
        is_transient,
    )


def _could_not_be_had(kind: type[SourceError], failed: list[Failure]) -> SourceError:
    return kind(
        f"{len(failed)} required file{'s' if len(failed) > 1 else ''} could not be had",
        where=", ".join(failure.name for failure in failed[:5]) + (" ..." if len(failed) > 5 else ""),
        found=failed[0].reason,
        expected="the publisher's file",
        next_step=_RUN_AGAIN,
    )


def _one_line(error: SourceError) -> str:
    return f"{error.what} ({error.found})" if error.found else error.what
