"""Readers of a home in processes of their own, looping while nights run: what they saw, and what they were refused."""

from __future__ import annotations

import json
import multiprocessing
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from flows.site import refresh_site
from warehouse.home import Home
from warehouse.publish import lock_holder
from warehouse.query import open_published, run_query
from warehouse.status import read_status

_FACTS = """
select
    (select run_id from ref.run) as run_id,
    (select max(trade_date)::varchar from core.daily_vx_settlements) as newest,
    (select count(*) from core.daily_vx_settlements) as settlements,
    (select count(*) from core.daily_index_levels) as levels,
    (select count(*) from mart.daily_term_structure) as curves,
    (select count(*) from ops.runs where run_id = (select run_id from ref.run) and published_at_utc is not null) as runs
"""

Facts = tuple[Any, ...]


@dataclass
class Seen:
    """What readers saw.

    Attributes
    ----------
    reads
        How many times each of them read everything.
    facts
        By run id, all different things that a warehouse of that run said of itself.
    troubles
        What a reader was refused.
    """

    reads: list[int] = field(default_factory=list)
    facts: dict[str, set[Facts]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def look(home: Home) -> Facts:
    """Read all of it once, as the commands do: a query, the status, the report. Return what the warehouse says."""
    with open_published(home) as connection:
        (facts,) = connection.execute(_FACTS).fetchall()
        ((again,),) = connection.execute("select run_id from ref.run").fetchall()
    assert again == facts[0]
    ((newest,),) = run_query(home, "select max(trade_date)::varchar from mart.daily_hedge_state").rows
    assert newest >= facts[1]
    status = read_status(home)
    assert status["published"]["data_health"]["status"] == "ok", status["published"]["data_health"]
    assert str(status["published"]["session"]) >= facts[1]
    report = json.loads((home.reports / "latest" / "hedge-state.json").read_text(encoding="utf-8"))
    assert report["run_id"]
    assert (home.reports / "latest" / "hedge-state.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    return tuple(facts)


@contextmanager
def reading(home: Home, folder: Path, count: int) -> Iterator[Seen]:
    """Have so many readers loop until the end of the block; what they saw is there then."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.killed_night", __name__])
    stop, ready = context.Event(), context.Semaphore(0)
    files = [folder / f"reader{number}.json" for number in range(count)]
    readers = [context.Process(target=_loop, args=(str(home.path), str(file), stop, ready)) for file in files]
    for reader in readers:
        reader.start()
    for _ in readers:
        ready.acquire()
    seen = Seen()
    try:
        yield seen
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    for file in files:
        told = json.loads(file.read_text(encoding="utf-8"))
        seen.reads.append(told["reads"])
        seen.troubles += told["troubles"]
        for facts in told["facts"]:
            seen.facts.setdefault(facts[0], set()).add(tuple(facts))


def look_at_lock(home: str, stop: Event) -> None:
    """Ask who holds a home, without pause, until told to stop."""
    while not stop.is_set():
        lock_holder(Home(Path(home)))


def refresh_slowly(home: str, begun: Event, waiting: Event, done: Event) -> None:
    """Write the site, and have opened what is published before a night publishes that writes it too."""
    from warehouse import site

    honest = site.write_site

    def slow(*arguments: Any) -> Any:
        begun.set()
        waiting.wait(120)
        done.wait(1.5)  # where nobody takes turns, the other one is done by then
        return honest(*arguments)

    site.write_site = slow
    if not refresh_site(Home(Path(home))):
        raise SystemExit(1)


def _loop(home: str, file: str, stop: Event, ready: Any) -> None:
    reads, found, troubles, is_first = 0, set(), [], True
    while is_first or not stop.is_set():
        try:
            found.add(look(Home(Path(home))))
            reads += 1
        except BaseException:
            troubles.append(traceback.format_exc()[-1500:])
        if is_first:
            ready.release()
            is_first = False
        stop.wait(0.02)
    Path(file).write_text(
        json.dumps({"reads": reads, "facts": sorted(found), "troubles": troubles[:3]}), encoding="utf-8"
    )
