"""One message of a night: a title and a few lines, for a telephone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from transforms.notices.kinds import DEGRADED, GOVERNOR, STALE, TRANSITION
from transforms.notices.news import News, in_order
from transforms.notices.standing import Evening, Standing
from transforms.page.text import clean_text

LONGEST_TITLE = 80
LONGEST_LINE = 240
MOST_LINES = 10
_LINES_OF_NEWS = 5
_LONGEST_ADDRESS = 2000  # cut off, it would lead nowhere
_SIMULATED = "SIMULATED market: none of these numbers is a market price"


@dataclass(frozen=True)
class Message:
    """What is sent.

    Attributes
    ----------
    title
        At most 80 characters.
    body
        At most 10 lines.
    session
        Session it is of.
    keys
        Of the news it tells.
    kinds
        Of the news it tells.
    """

    title: str
    body: str
    session: date
    keys: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Undelivered:
    """A message that a receiver has not had yet."""

    title: str
    body: str


def write_message(news: Sequence[News], *, is_simulated: bool, numbers: str = "", report: str | None = None) -> Message:
    """Write the message of a night.

    Parameters
    ----------
    news
        At least one.
    is_simulated
        Say SIMULATED in the title and in the first line.
    numbers
        The curve of the session in a line; empty for a night that published nothing.
    report
        Path or address of the report.
    """
    ordered = in_order(news)
    session = ordered[0].session
    lines = [line for one in ordered for line in one.lines]
    body = [_SIMULATED] if is_simulated else []
    body += _shortened(lines)
    body += [numbers] if numbers else []
    body = [clean_text(line, LONGEST_LINE) for line in body]
    body += [f"Report: {clean_text(report, _LONGEST_ADDRESS)}"] if report else []
    to_do = list(dict.fromkeys(one.to_do for one in ordered if one.to_do))
    body += [clean_text(f"To do: {'; '.join(to_do)}", LONGEST_LINE)] if to_do else []
    return Message(
        title=_title(session, [one.short for one in ordered], is_simulated=is_simulated),
        body="\n".join(body),
        session=session,
        keys=tuple(one.key for one in ordered),
        kinds=tuple(dict.fromkeys(one.kind for one in ordered)),
    )


def write_test_message(today: date) -> Message:
    """Write a message that says nothing but that messages arrive."""
    body = "This is a test: `alvh nightly` can reach you here. Nothing has happened."
    return Message(_title(today, ["test message"], is_simulated=False), body, today)


def merge_late(tonight: Message | None, late: Sequence[Undelivered]) -> tuple[str, str] | None:
    """Return title and body of the one message that a receiver gets, with what it has not had before.

    Returns
    -------
    tuple or None
        None where there is neither.
    """
    if tonight is None and not late:
        return None
    if tonight is None:
        *late, newest = late
        title, body = clean_text(f"late: {newest.title}", LONGEST_TITLE), newest.body
    else:
        title, body = tonight.title, tonight.body
    if late:
        shown = "; ".join(one.title.removeprefix("alvh ") for one in late[-2:])
        more = f"; and {len(late) - 2} earlier" if len(late) > 2 else ""
        body += "\n" + clean_text(f"Not delivered before: {shown}{more}", LONGEST_LINE)
    return title, body


def explain_silence(tonight: Evening, before: Standing | None, news: Sequence[News], chosen: Collection[str]) -> str:
    """Say why a session has no message.

    Parameters
    ----------
    news
        Everything that was found.
    chosen
        Kinds the user wants. What is of one of them has been told, or there were a message.
    """
    if before is None:
        return "nothing to compare with: it is the first session here"
    wanted = [one.short for one in news if one.kind in chosen]
    if wanted:
        return f"told already: {', '.join(wanted)}"
    found = {one.kind for one in news}
    quiet = {
        TRANSITION: "no layer moved",
        GOVERNOR: f"governor stays {tonight.standing.governor_mode}" if tonight.standing.governor_mode else "",
        DEGRADED: "data ok",
        STALE: "no source became stale",
    }
    words = ", ".join(text for kind, text in quiet.items() if text and kind not in found)
    unwanted = [one.short for one in news]
    return f"since {before.session}: {words}" + (f"; not chosen: {', '.join(unwanted)}" if unwanted else "")


def _title(session: date, words: Sequence[str], *, is_simulated: bool) -> str:
    head = f"alvh {'SIMULATED ' if is_simulated else ''}{session}: "
    shown = list(words)
    while len(shown) > 1 and len(head + _listed(shown, len(words))) > LONGEST_TITLE:
        shown.pop()
    return clean_text(head + _listed(shown, len(words)), LONGEST_TITLE)


def _listed(shown: Sequence[str], total: int) -> str:
    left = total - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _shortened(lines: Sequence[str]) -> list[str]:
    if len(lines) <= _LINES_OF_NEWS:
        return list(lines)
    return [*lines[: _LINES_OF_NEWS - 1], f"and {len(lines) - _LINES_OF_NEWS + 1} more, see the report"]
