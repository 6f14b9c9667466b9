"""``alvh notify``: what would be told of a session, whether messages arrive, and what is still to be delivered."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, as_of_option, reports_errors
from flows.homes import home_to_read
from transforms.errors import PipelineError, UsageError

if TYPE_CHECKING:
    from flows.notify import Told
    from warehouse.home import Home


@reports_errors
def notify(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the message, send nothing.")] = False,
    is_test: Annotated[bool, typer.Option("--test", help="Send a test message to every receiver.")] = False,
    as_of: Annotated[datetime | None, as_of_option("Session, with --dry-run; the newest if left out.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Show what is told of a session, test it, or send what is late.

    Receivers are set with ALVH_NOTIFY_URL and ALVH_NOTIFY_BLOCK. Without an option, what was not delivered
    is sent again. Code 1 where a receiver was not reached.

    \b
    Examples:
      alvh notify --dry-run
      alvh notify --dry-run --as-of 2026-01-07 --json
      alvh notify --test
    """
    if dry_run and is_test:
        raise UsageError("--dry-run and --test exclude each other", expected="one of them, or none")
    if as_of is not None and not dry_run:
        raise UsageError("--as-of shows, and sends nothing", next_step="add --dry-run")
    folder = home_to_read(home)
    _require_known_kinds()
    if dry_run:
        found = describe_session(folder, as_of.date() if as_of else None)
        print(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(_session_lines(found)))
        return
    told = _send_test() if is_test else _send_late(folder)
    print(json.dumps(told.as_dict(), indent=2, ensure_ascii=False) if as_json else told.sentence)
    if not told.is_delivered:
        raise typer.Exit(PipelineError.exit_code)


def describe_session(home: Home, as_of: date | None) -> dict[str, Any]:
    """Return what a session has to say since the one before it, and what became of it, as plain JSON types."""
    from flows.notify import judge_published
    from flows.notify_send import open_channels
    from flows.settings import NotifySettings
    from warehouse.notices import NoticeLog

    judged = judge_published(home, as_of)
    message = judged.message
    assert judged.standing is not None
    session = judged.standing.session.isoformat()
    return {
        "session": session,
        "compared_with": judged.compared_with.isoformat() if judged.compared_with else None,
        "title": message.title if message else None,
        "body": message.body if message else None,
        "kinds": list(message.kinds) if message else [],
        "why_nothing": judged.why or None,
        "receivers": [channel.label for channel in open_channels(NotifySettings())],
        "attempts": [
            {name: entry[name] for name in ("at_utc", "run_id", "title", "channels")}
            for entry in NoticeLog(home).entries()
            if entry["session"] == session
        ],
    }


def _session_lines(found: dict[str, Any]) -> list[str]:
    receivers = ", ".join(found["receivers"]) or "nobody: set ALVH_NOTIFY_URL or ALVH_NOTIFY_BLOCK"
    if found["title"] is None:
        lines = [f"nothing to tell of {found['session']}: {found['why_nothing']}"]
    else:
        lines = [found["title"], *(f"  {line}" for line in found["body"].splitlines())]
    lines.append(f"to {receivers}")
    for attempt in found["attempts"]:
        outcomes = ", ".join(f"{label}: {outcome}" for label, outcome in attempt["channels"].items())
        lines.append(f"{attempt['at_utc']}  {attempt['title']}  {outcomes}")
    return lines


def _send_test() -> Told:
    from flows.notify import send_test

    _require_receivers()
    return send_test(datetime.now(UTC).date())


def _send_late(home: Home) -> Told:
    from flows.notify import Judgement, tell
    from warehouse.publish import run_lock
    from warehouse.query import open_published
    from warehouse.run_log import run_id_of

    _require_receivers()
    now = datetime.now(UTC)
    with open_published(home):
        pass  # said before the lock, which would make the folder of a home that is not there
    with run_lock(home, "alvh notify", now):
        return tell(home, Judgement(None, "everything is delivered"), run_id_of(now), now)


def _require_known_kinds() -> None:
    from flows.notify import choose_kinds
    from flows.settings import NotifySettings
    from transforms.notices.kinds import KINDS

    _, unknown = choose_kinds(NotifySettings().on)
    if unknown:
        raise UsageError(
            "no such kind of news", where="ALVH_NOTIFY_ON", found=", ".join(unknown), expected=", ".join(KINDS)
        )


def _require_receivers() -> None:
    from flows.settings import NotifySettings

    if not NotifySettings().is_on:
        raise UsageError(
            "nobody is to be told",
            where="ALVH_NOTIFY_URL, ALVH_NOTIFY_BLOCK",
            found="neither is set",
            expected="an address of apprise, or a notification block of Prefect",
            next_step="docs/notifications.md has examples",
        )
