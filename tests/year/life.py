"""Living through the year: evening by evening the market moves on, something goes wrong, the schedule has its tries."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from flows.night import reason_to_stay_idle
from flows.policy_texts import parse_policy_text
from flows.sources.choice import SIMULATED_MARKER
from flows.sources.loopback_faults import Fault
from tests.support.nights import VALUES
from tests.year.faults import EVENING, FIRST, ONCE, TWO, Event, draw_events, fields_of
from tests.year.market import TrueMarket
from tests.year.nights import Ended, another_run, attempt, attempt_apart, night_at, patch_code, year_steps
from tests.year.oracle import Oracle, Wrong, raw_prefixes, size_of
from tests.year.record import Lived, Plan, Tried
from tests.year.server import NotingServer
from tests.year.watch import Reader, code_version, peak_mb, reset_peak
from transforms import calendar
from transforms.calendar import NEW_YORK
from transforms.simulate.archive import CONTRACT_FOLDER
from warehouse.governance.verify import verify_home
from warehouse.home import Home
from warehouse.publish import hash_file
from warehouse.run_log import latest_record

EVENINGS = [time_of_day(hour, 30) for hour in range(18, 24)]
"""As `flows.schedule` has them: the night, and the hourly retries."""
MORNING = time_of_day(11, 30)
_WHOLE_EVERY = 25
"""Every so many sessions all steps are as in service: Great Expectations, charts, pages."""


class Year:
    """A year in a folder: ``archive/`` of the publishers, ``home/``, and the record ``year.jsonl``."""

    def __init__(self, folder: Path, plan: Plan, server: NotingServer, reader: Reader | None = None) -> None:
        self.folder, self.plan, self.server, self.reader = folder, plan, server, reader
        self.home = Home(folder / "home")
        self.record = folder / "year.jsonl"
        days = calendar.sessions("XCBF", plan.begin, plan.begin + timedelta(days=int(plan.sessions * 1.6) + 20))
        self.days = days[: plan.sessions]
        self.next_days = dict(pairwise(days))
        self.market = TrueMarket.simulate(plan.first, self.days[-1] + timedelta(days=7), plan.seed)
        self.oracle = Oracle(self.market)
        self.usual = 8.0
        self.version = code_version()
        self.carried: list[tuple[Event, list[Fault]]] = []
        self.code = 0

    def live(self) -> Iterator[Lived]:
        """Live the sessions that are not on record yet, one at a time."""
        done = [json.loads(line) for line in self.record.read_text().splitlines()] if self.record.exists() else []
        for number, day in enumerate(self.days):
            if number < len(done):
                for event in (Event(**entry) for entry in done[number]["events"]):
                    if event.group == "restated for good":
                        self._restate(event, day)
                continue
            lived = self._live(number, day)
            with self.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(lived)) + "\n")
            yield lived

    def finish(self) -> dict[str, Any]:
        """After the last session: a night, one that asks for everything, and a new home beside it.

        Returns
        -------
        What was wrong after each of the two, whether the new home has the same values, and what verify found.
        """
        self._remove([fault for _, faults in self.carried for fault in faults])
        self.carried = []
        day = self.days[-1]
        self.market.write(self.folder / "archive", day)
        at = datetime.combine(day + timedelta(days=1), MORNING, NEW_YORK)
        done: dict[str, Any] = {}
        for name, ask_everything, home in (
            ("after a last night", False, self.home),
            ("after asking for everything", True, self.home),
            ("in a new home", False, Home(self.folder / "new-home")),
        ):
            at += timedelta(hours=1)
            ended = attempt(night_at(home.path, at, ask_everything=ask_everything), year_steps(is_whole=False))
            wrong = Oracle(self.market, set(self.oracle.expected)).judge(home, latest_record(home) or {}, at)
            done[name] = {"code": ended.code, "words": ended.words, "wrong": [_row(one, at) for one in wrong]}
        report = verify_home(self.home, hash_policy=lambda text: parse_policy_text(text, "policy").policy_hash)
        done["verify"] = [" ".join(finding.lines()) for finding in report.findings if finding.is_error]
        done["same values"] = _values(self.home) == _values(Home(self.folder / "new-home"))
        (self.folder / "end.json").write_text(json.dumps(done, indent=1), encoding="utf-8")
        return done

    def _events(self, number: int, day: date) -> list[Event]:
        if number == 0:
            return []  # what the oracle learns from
        if self.plan.events is not None:
            return self.plan.events.get(number, [])
        return draw_events(self.market, day, self.plan.seed, number)

    def _restate(self, event: Event, day: date) -> None:
        dice = random.Random(event.number)  # noqa: S311 - a plan, no secret
        earlier = [one for one in self.market.sessions if one < day][-40:]
        at = dice.choice(earlier)
        alive = [expiry for expiry in self.market.monthlies_after(day) if (at, expiry) in self.market.settlements]
        self.market.restate(at, dice.choice(alive), dice.choice((0.999, 1.002, 1.01)))

    def _live(self, number: int, day: date) -> Lived:
        events = self._events(number, day)
        lived = Lived(number, day.isoformat(), [event.as_dict() for event in events], self.version)
        restated = [event for event in events if event.group == "restated for good"]

        def publish(keep_old: str | None = None) -> None:
            while restated and keep_old is None:  # known with the contract files, not before
                self._restate(restated.pop(), day)
            self.market.write(self.folder / "archive", day, keep_old)

        is_late = any(event.group == "late" for event in events)
        lags = any(event.group == "contract files late" for event in events)
        if not is_late:
            publish(CONTRACT_FOLDER if lags else None)
        mine = [(event, self._plant(event, day)) for event in events if event.group in ("server", "wrong value")]
        evening = _Evening(self, lived, day, events, is_whole=number % _WHOLE_EVERY == 1)
        for which, hour in enumerate(EVENINGS):
            if which == 1:
                self._lift(mine, FIRST)
                if is_late and any(event.lasts == FIRST for event in events if event.group == "late"):
                    publish(CONTRACT_FOLDER if lags else None)
            if which == 0 or which in self.plan.retries:
                evening.fire(datetime.combine(day, hour, NEW_YORK), which)
        for event, faults in self.carried:
            self._remove(faults)
            assert event.lasts == TWO
        self.carried = [(event, faults) for event, faults in mine if event.lasts == TWO]
        for lasts in (ONCE, FIRST, EVENING):
            self._lift(mine, lasts)
        publish()
        evening.mend()
        until = self.next_days[day]
        calm = not events and not self.carried and all(one.code == 0 for one in lived.tried)
        is_reconciled = self.plan.mornings is None or number in self.plan.mornings
        if is_reconciled and (not calm or number % self.plan.calm_mornings == 0):
            for ahead in range(1, (until - day).days + 1):
                at = day + timedelta(days=ahead)
                if at.weekday() in range(1, 6):  # Tuesday to Saturday
                    evening.fire(datetime.combine(at, MORNING, NEW_YORK), None)
                if at < until and at.weekday() < 5:
                    evening.fire(datetime.combine(at, EVENINGS[0], NEW_YORK), 0)
        evening.close()
        return lived

    def _plant(self, event: Event, day: date) -> list[Fault]:
        return [self.server.fault(event.target, **fields) for fields in fields_of(event, self.market, day)]

    def _lift(self, mine: list[tuple[Event, list[Fault]]], lasts: str) -> None:
        for event, faults in mine:
            if event.lasts == lasts:
                self._remove(faults)

    def _remove(self, faults: list[Fault]) -> None:
        for fault in faults:
            if fault in self.server.plan:
                self.server.plan.remove(fault)


@dataclass
class _Evening:
    """The attempts of one session, and what is done to the home between them."""

    year: Year
    lived: Lived
    day: date
    events: list[Event]
    is_whole: bool
    damaged: list[tuple[Path, bytes]] = field(default_factory=list)
    is_policy_bad: bool = False

    def fire(self, at: datetime, which: int | None) -> None:
        """What the schedule starts at an instant: the night (0), a retry (1 to 5), or the reconciliation (None)."""
        home = self.year.home
        apart: tuple[str, str] | None = None
        stack = ExitStack()
        is_the_night = which == 0 and at.date() == self.day  # not the evening of a holiday behind it
        if is_the_night:
            if self._has("clock set back"):
                at -= timedelta(hours=1)
            apart = self._prepare(stack, at)
        if code := self.year.code:
            stack.enter_context(patch_code(f"version {code}"))
        with stack:
            night = night_at(home.path, at)
            idle = reason_to_stay_idle(night, on_sessions_only=which is not None, only_if_missing=bool(which))
            if idle is not None:
                self.lived.idle += 1
                return
            before = hash_file(home.published) if home.published.exists() else None
            sent = len(self.year.server.delivered)
            started, cpu = time.monotonic(), time.process_time()
            reset_peak()
            if apart is not None:
                ended = attempt_apart(night, *apart, self.year.folder / "trouble.txt")
            else:
                ended = attempt(night, year_steps(is_whole=self.is_whole and is_the_night))
            seconds, cpu = time.monotonic() - started, time.process_time() - cpu
            if is_the_night and ended.code in (0, 3) and apart is None:
                self.year.usual = seconds
        kind = "night" if which == 0 else "retry" if which else "reconciliation"
        self.lived.tried.append(
            Tried(
                at.isoformat(), kind, ended.code, ended.outcome, ended.words[:1500],
                ended.as_of.isoformat() if ended.as_of else None,
                round(seconds, 2), round(cpu, 2), peak_mb(), ended.unexpected[-3000:],
            )
        )  # fmt: skip
        if self.year.reader is not None and ended.code in (0, 3):
            self.year.reader.go_on()
        self._look(ended, before, sent, at, is_apart=apart is not None)
        if is_the_night:
            self._mend_between()

    def _has(self, group: str) -> Event | None:
        return next((event for event in self.events if event.group == group), None)

    def _prepare(self, stack: ExitStack, at: datetime) -> tuple[str, str] | None:
        """Do to the home what goes wrong before the night; say how the night is run apart, if it is."""
        home = self.year.home
        if self._has("bad policy"):
            path = home.path / "policy" / "policy.toml"
            self.damaged.append((path, path.read_bytes()))
            path.write_text("[layers]\nbase = 'as much as you like'\n", encoding="utf-8")
        if self._has("bad book"):
            path = home.path / "inputs" / "book.toml"
            path.parent.mkdir(exist_ok=True)
            path.write_text("as_of = yesterday\n[[positions]\n", encoding="utf-8")
            self.damaged.append((path, b""))
        if event := self._has("damaged raw file"):
            bodies = sorted(
                path
                for path in home.raw.glob("*/*/*")
                if not path.name.endswith((".json", ".jsonl")) or (path.name.count(".") == 1 and path.suffix == ".json")
            )
            self._flip(bodies[int(event.number * len(bodies))], event.number)
        if event := self._has("damaged warehouse"):
            if self.year.reader is not None:
                self.year.reader.pause()
            self._flip(home.published, event.number)
        if self._has("new code"):
            self.year.code += 1
        if self._has("two at once"):
            stack.enter_context(another_run(home.path, at))
        if event := self._has("killed at a step"):
            return "point", event.target
        if event := self._has("killed at random"):
            return "seconds", f"{0.2 + event.number * self.year.usual:.2f}"
        if event := self._has("full disk"):
            return "room", event.target
        return None

    def _flip(self, path: Path, number: float) -> None:
        body = bytearray(path.read_bytes())
        if not body:
            return
        self.damaged.append((path, bytes(body)))
        body[int(number * len(body))] ^= 1 << int(number * 8)
        mode = path.stat().st_mode
        path.write_bytes(body)
        path.chmod(mode)
        report = verify_home(self.year.home, hash_policy=lambda text: parse_policy_text(text, "policy").policy_hash)
        places = [finding.where for finding in report.findings if finding.is_error]
        self.lived.found_by_verify += [Path(place).name for place in places]
        if not any(path.name in place for place in places):
            self.lived.violations.append(f"verify did not find a flipped bit in {path.name}")

    def _mend_between(self) -> None:
        """An hour later the user has put right the policy and the book."""
        for path, body in self.damaged:
            if path.name == "book.toml":
                path.unlink()
            elif path.name == "policy.toml":
                path.write_bytes(body)
        self.damaged = [(path, body) for path, body in self.damaged if path.suffix != ".toml"]

    def mend(self) -> None:
        """In the morning damage is put right as the runbook says: from a copy of the home, where no night has."""
        for path, body in self.damaged:
            if path.exists() and path != self.year.home.published and path.read_bytes() != body:
                path.write_bytes(body)
        self.damaged = []

    def _look(self, ended: Ended, before: str | None, sent: int, at: datetime, *, is_apart: bool) -> None:
        """Hold an attempt to what every night promises."""
        year, lived, home = self.year, self.lived, self.year.home
        if ended.unexpected:
            lived.violations.append(f"an error that no night raises on purpose: {ended.words[-300:]}")
        has_published = home.published.exists() and hash_file(home.published) != before
        if has_published and ended.code not in (0, 3, -9):
            lived.violations.append(f"code {ended.code}, and another warehouse is published")
        if ended.code in (0, 3) and not home.published.exists():
            lived.violations.append(f"code {ended.code}, and nothing is published")
        if ended.code not in (0, -9) and not ended.words.strip():
            lived.violations.append(f"code {ended.code} without a reason")
        if ended.code == 1 and not self._has("full disk"):
            lived.violations.append(f"code 1: {ended.words[:300]}")
        delivered = year.server.delivered[sent:]
        lived.delivered += len(delivered)
        # the last body of a night that was killed was under way
        certain = delivered[:-1] if is_apart else delivered
        stored = raw_prefixes(home)
        lived.lost_bodies += [
            one.name for one in certain if one.sha256[:16] not in stored and one.name != SIMULATED_MARKER
        ]
        if has_published or (ended.code in (0, 3) and self.lived.number == 0):
            record = latest_record(home) or {}
            if record.get("outcome") == "running":
                record = {**record, **record.get("planned", {})}
            lived.judged.append(at.isoformat())
            lived.wrong += [_row(one, at) for one in year.oracle.judge(home, record, at)]

    def close(self) -> None:
        """Measure the home when the session is over."""
        home, lived = self.year.home, self.lived
        lived.files, lived.bytes = size_of(home.path)
        lived.raw_bytes = size_of(home.raw)[1]
        lived.log_bytes = size_of(home.path / "policy")[1]
        lived.run_records = len(list(home.runs.glob("*.json")))
        if self.year.reader is not None:
            self.year.reader.go_on()
            lived.reads, lived.bad_reads = self.year.reader.collect()


def _values(home: Home) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        # where a settlement came from differs: a new home has contract files for all of them
        return connection.execute(f"select what, day, key, value from ({VALUES})").fetchall()


def _row(one: Wrong, at: datetime) -> dict[str, Any]:
    what, day, key = one.key
    return {
        "at": at.isoformat(), "what": what, "day": day.isoformat(), "key": key,
        "sort": one.sort, "off": None if one.is_missing else one.off,
    }  # fmt: skip
