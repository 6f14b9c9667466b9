"""``alvh rebuild``: a night without a publisher, from what is stored; ``alvh upgrades``: what other code changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flows.doctor_home import market_of_home
from flows.fetch import FetchSummary
from flows.night import Night
from flows.notify import Told
from flows.run import NightResult, Steps, run_night
from flows.settings import RetentionSettings
from flows.sources.choice import REAL_MARKET
from transforms.errors import UsageError
from warehouse.home import Home
from warehouse.run_log import latest_record, run_id_of

_SHOWN = 12
"""Names of one kind in the text; `--json` has all."""


def rebuild_home(home: Home, now: datetime, do: Steps | None = None) -> NightResult:
    """Build, check, publish and report from what a home has stored. No publisher is asked, and nobody is told.

    Parameters
    ----------
    do
        The steps; those of a night when not given. Nothing is fetched whatever they are.

    Raises
    ------
    UsageError
        If nothing was ever fetched into this home.
    PipelineError
        As a night does.
    """
    market = market_of_home(home)
    record = latest_record(home) or {}
    if market is None:
        raise UsageError(
            "there is nothing to build from",
            where=str(home.path),
            expected="a home that had a night, with its market.json",
            next_step="run `alvh nightly`, or point --home (ALVH_HOME) to a home that had one",
        )
    keep = RetentionSettings().to_retention()
    night = Night(
        home=home,
        run_id=run_id_of(now),
        now=now,
        # Only the real market by the clock has sessions that are due.
        source=str(record.get("source") or ("cboe" if market == REAL_MARKET else "archive")),
        archive=None,
        as_of=None,
        keep_published=keep.published,
        market=market,
        rebuild=True,
        retention=keep,
    )
    return run_night(night, replace(do or Steps(), fetch=_fetch_nothing, notify=_tell_nobody))


def _fetch_nothing(night: Night) -> FetchSummary:
    return FetchSummary()


def _tell_nobody(night: Night, error: Exception | None) -> Told:
    return Told("nobody is told of a rebuild")


def list_lines(upgrades: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what each upgrade changed, as lines for a terminal."""
    if not upgrades:
        yield "no published run was of other code than the one before it"
    for upgrade in upgrades:
        yield f"run {upgrade['run_id']}, published {upgrade['published_at_utc']}"
        yield f"  from {upgrade['from']}"
        yield f"  to   {upgrade['to']}"
        for name in ("tables_added", "tables_removed", "columns_added", "columns_removed"):
            yield from _names(name.replace("_", " "), upgrade[name])
        for row in upgrade["rows"]:
            yield f"  {row['table']}: {row['rows_added']} earlier rows more, {row['rows_gone']} gone"
        for row in upgrade["not_compared"]:
            yield f"  {row['table']}: not compared, {row['why']}"
        if upgrade["numbers"]:
            yield "  values that changed"
            yield from (f"    {_say_column(row)}" for row in upgrade["numbers"])
        else:
            yield "  no earlier value changed"


def _names(label: str, names: list[str]) -> Iterator[str]:
    if names:
        more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"  {label} ({len(names)}): {', '.join(names[:_SHOWN])}{more}"


def _say_column(row: Mapping[str, Any]) -> str:
    largest = "" if row["largest"] is None else f", by {row['largest']:.6g} at most"
    return f"{row['table']}.{row['column']}: {row['changed']} of {row['rows']} rows{largest}, first {row['first']}"
