"""The home folder: rights, room, lock, what is published and how old it is, the policy, the clock of its records."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flows.doctor import Finding, Patient
from warehouse.home import Home

if TYPE_CHECKING:
    import duckdb

_NEW_YORK = ZoneInfo("America/New_York")
_DUE_AT = time(11, 30)
"""As `transforms.calendar.latest_due_session`, which would load a calendar to say so."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SPARE_BYTES = 500_000_000
_SIZES_OF_ROOM = 3
"""A night has the old warehouse, the new one, and a margin for the raw files."""
_LONG_RUN = timedelta(hours=6)
_SESSIONS_AHEAD = 40
_CLOCK_TOLERANCE = timedelta(minutes=2)


def check_home(patient: Patient) -> Iterator[Finding]:
    """Is the home there, ours to write, and closed to others?"""
    home = patient.home
    if not home.path.exists():
        nearest = next(parent for parent in home.path.parents if parent.exists())
        if os.access(nearest, os.W_OK):
            yield Finding("home", "warning", f"{home.path} is not there yet", "`alvh nightly` makes it")
        else:
            yield Finding("home", "problem", f"{nearest} cannot be written", "choose another --home, or ALVH_HOME")
        return
    if not home.path.is_dir() or not os.access(home.path, os.W_OK | os.X_OK):
        yield Finding("home", "problem", f"{home.path} cannot be written by this user", f"`chmod u+rwx {home.path}`")
        return
    mode = stat.S_IMODE(home.path.stat().st_mode)
    if mode & _OTHERS:
        step = f"`chmod 700 {home.path}`: inputs and reports may hold positions"
        yield Finding("home", "warning", f"{home.path} is open to others ({mode:04o})", step)
    else:
        yield Finding("home", "ok", f"{home.path}, yours alone ({mode:04o})")
    keys = [
        path for path in (home.path / "policy" / "keys").glob("*.pem") if stat.S_IMODE(path.stat().st_mode) & _OTHERS
    ]
    for path in keys:
        yield Finding("home", "problem", f"the private key {path} can be read by others", f"`chmod 600 {path}`")


def check_room(patient: Patient) -> Iterator[Finding]:
    """Is there room for the next night, and are build and published warehouse on one file system?"""
    home = patient.home
    place = home.path if home.path.exists() else next(one for one in home.path.parents if one.exists())
    size = home.published.stat().st_size if home.published.exists() else 0
    free, needed = shutil.disk_usage(place).free, _SIZES_OF_ROOM * size + _SPARE_BYTES
    said = f"{free / 1e9:,.1f} GB free"
    if free < size + _SPARE_BYTES / 5:
        yield Finding("room", "problem", f"{said}; a night needs about {needed / 1e9:.1f} GB", "free some space")
    elif free < needed:
        yield Finding("room", "warning", f"{said}; a night needs about {needed / 1e9:.1f} GB", "free some space soon")
    else:
        yield Finding("room", "ok", said)
    apart = [
        folder.name
        for folder in (home.build, home.earlier)
        if folder.exists() and folder.stat().st_dev != home.path.stat().st_dev
    ]
    if apart:
        step = "keep the whole home on one file system: publishing is a rename within it"
        yield Finding("room", "problem", f"{', '.join(apart)} of the home on another file system", step)


def check_lock(patient: Patient) -> Iterator[Finding]:
    """Does a run hold the home, and since when?"""
    from warehouse.publish import broken_off_holder, lock_holder

    holder = lock_holder(patient.home)
    if holder is None:
        left = broken_off_holder(patient.home)
        if left is None:
            yield Finding("lock", "ok", "free")
        else:
            who = f"{left.get('command', 'a run')}, process {left.get('pid')} on {left.get('host')}"
            yield Finding("lock", "warning", f"free; {who}, was killed", "the next run cleans up: `alvh nightly`")
        return
    since = str(holder.get("started_at_utc") or "")
    said = f"held by {holder.get('command', 'a run')}, process {holder.get('pid')}, since {since or 'not known'}"
    try:
        is_long = patient.now - datetime.fromisoformat(since) > _LONG_RUN
    except ValueError:
        is_long = False
    if is_long:
        step = f"look at process {holder.get('pid')}; end it if it hangs: what is published stays"
        yield Finding("lock", "warning", said, step)
    else:
        yield Finding("lock", "ok", said)


def check_published(patient: Patient) -> Iterator[Finding]:
    """Does the published warehouse open, is it as new as the calendar asks, and is the calendar known far enough?"""
    from warehouse.query import open_published

    home = patient.home
    if not home.published.exists():
        yield Finding("published", "warning", "nothing yet", "`alvh nightly`")
        return
    with open_published(home) as connection:
        newest = _one(connection, "select max(trade_date) from mart.daily_term_structure")
        is_simulated = _one(connection, "select is_simulated from ref.run")
        days = connection.execute(
            "select session_date from ref.sessions where is_futures_session order by session_date"
        ).fetchall()
    market = "SIMULATED" if is_simulated else "real"
    if newest is None:
        yield Finding("published", "warning", f"opens, {market} market, no session", "`alvh nightly`")
        return
    due = [day for (day,) in days if datetime.combine(day + timedelta(days=1), _DUE_AT, _NEW_YORK) <= patient.now]
    behind = sum(1 for day in due if day > newest)
    today = patient.now.astimezone(_NEW_YORK).date()
    ahead = sum(1 for (day,) in days if day > today)
    said = f"opens, {market} market, to {newest}"
    last_known = days[-1][0] if days else newest
    if behind or (today - last_known).days > 0:
        count = (
            f"{behind} session{'' if behind == 1 else 's'}" if today <= last_known else f"at least {behind} sessions"
        )
        yield Finding(
            "published", "warning", f"{said}, {count} behind what is due", "`alvh nightly`, or `alvh schedule`"
        )
    else:
        yield Finding("published", "ok", f"{said}, no session behind")
    if ahead < _SESSIONS_AHEAD:
        step = "`alvh nightly` builds it anew; where that does not help, update exchange-calendars"
        yield Finding("calendar", "warning", f"known to {last_known}, {ahead} sessions ahead", step)
    else:
        yield Finding("calendar", "ok", f"known to {last_known}, {ahead} sessions ahead")


def check_policy(patient: Patient) -> Iterator[Finding]:
    """Is the log of the policy unbroken, and policy.toml the policy that was signed?"""
    from transforms.hash_chain import sha256_hex
    from warehouse.governance.log import PolicyFolder
    from warehouse.governance.store import read_register

    folder = PolicyFolder.of(patient.home)
    if not folder.root.exists():
        yield Finding("policy", "ok", "none yet: the first night adopts one")
        return
    register = read_register(patient.home)
    newest = register.newest
    if newest is None:
        yield Finding("policy", "ok", "none adopted yet: the first night adopts one")
        return
    if not folder.policy.is_file():
        yield Finding("policy", "problem", f"{folder.policy} is not there", "`alvh policy restore`")
        return
    body = folder.policy.read_bytes()
    if sha256_hex(body) != newest.policy_sha256:
        from flows.policy_texts import parse_policy_text

        found = parse_policy_text(body, str(folder.policy)).policy_hash  # another wording may mean the same
        if found not in {one.policy_hash for one in register.adoptions}:
            step = "`alvh policy diff` shows what changed; `alvh policy restore`, or propose, sign and adopt it"
            yield Finding("policy", "problem", f"policy.toml (hash {found[:12]}) is not the one that was signed", step)
            return
    waiting = len(register.open_proposals())
    open_ = f"; {waiting} proposal{'' if waiting == 1 else 's'} open" if waiting else ""
    signed = f"signed by {', '.join(newest.signed_by)}, {register.signatures_checked} signatures valid"
    yield Finding("policy", "ok", f"hash {newest.policy_hash[:12]}, {signed}{open_}")


def check_records(patient: Patient) -> Iterator[Finding]:
    """Does a run record come from the future: was the clock set back?"""
    from warehouse.run_log import read_records

    started = [str(record.get("started_at_utc") or "") for record in read_records(patient.home)]
    newest = max((instant for text in started if (instant := _instant(text)) is not None), default=None)
    if newest is None:
        yield Finding("clock", "ok", f"{patient.now:%Y-%m-%d %H:%M} UTC; no run to compare it with")
    elif newest > patient.now + _CLOCK_TOLERANCE:
        step = "set the clock right: nights take their sessions from it, and the policy log goes forward only"
        yield Finding("clock", "problem", f"{patient.now:%Y-%m-%d %H:%M} UTC is before the last run, {newest}", step)
    else:
        yield Finding("clock", "ok", f"{patient.now:%Y-%m-%d %H:%M} UTC, after the last run")


CHECKS = [
    ("home", check_home),
    ("room", check_room),
    ("lock", check_lock),
    ("published", check_published),
    ("policy", check_policy),
    ("clock", check_records),
]


def market_of_home(home: Home) -> str | None:
    """Return the market that a home holds, or None before its first night."""
    import json

    try:
        found = json.loads((home.path / "market.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(found.get("market")) if isinstance(found, dict) else None


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
