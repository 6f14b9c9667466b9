"""The simulated central bank's meetings as the Federal Reserve's calendar page shows its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby

MINUTES_AFTER = timedelta(days=21)
"""Minutes are released three weeks after the decision."""
_PROJECTION_MONTHS = (3, 6, 9, 12)
_NOTE = "SIMULATED: every meeting on this page is made up. It is not the Federal Reserve's calendar."


def render_fomc_page(decisions: Iterable[date], today: date) -> bytes:
    """Render the page as it stands on a day: one panel a year, newest year first.

    Parameters
    ----------
    decisions
        Days of decisions, past and scheduled; a meeting begins the day before.
    today
        What lies after it is announced but has not happened: no statement, no minutes.
    """
    years = [(year, list(days)) for year, days in groupby(sorted(decisions), key=lambda day: day.year)]
    panels = [line for year, days in reversed(years) for line in _panel(year, days, today)]
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8"><title>Meeting calendars and information (simulated)</title></head>',
        "<body>",
        f"<p><strong>{_NOTE}</strong></p>",
        *panels,
        "<p>* Meeting associated with a Summary of Economic Projections.</p>",
        "</body>",
        "</html>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _panel(year: int, days: list[date], today: date) -> Iterator[str]:
    yield '<div class="panel panel-default">'
    yield f'<div class="panel-heading"><h4><a id="{year}">{year} FOMC Meetings</a></h4></div>'
    for number, day in enumerate(days):
        shade = "fomc-meeting--shaded " if number % 2 else ""
        yield f'<div class="{shade}row fomc-meeting">'
        yield (
            f'<div class="{shade}fomc-meeting__month col-xs-5 col-sm-3 col-md-2"><strong>{_months(day)}</strong></div>'
        )
        yield f'<div class="fomc-meeting__date col-xs-4 col-sm-9 col-md-10 col-lg-1">{_days(day)}</div>'
        yield from _documents(day, today)
        yield "</div>"
    yield "</div>"


def _months(decision: date) -> str:
    first = decision - timedelta(days=1)
    return f"{decision:%B}" if first.month == decision.month else f"{first:%b}/{decision:%b}"


def _days(decision: date) -> str:
    first = decision - timedelta(days=1)
    return f"{first.day}-{decision.day}{'*' if decision.month in _PROJECTION_MONTHS else ''}"


def _documents(decision: date, today: date) -> Iterator[str]:
    if decision > today:
        return
    stamp, released = f"{decision:%Y%m%d}", decision + MINUTES_AFTER
    yield '<div class="col-xs-12 col-md-4 col-lg-2"><strong>Statement:</strong><br>'
    yield f'<a href="/newsevents/pressreleases/monetary{stamp}a.htm">HTML</a></div>'
    if released <= today:
        yield '<div class="col-xs-12 col-md-4 col-lg-4 fomc-meeting__minutes"><strong>Minutes:</strong><br>'
        yield f'<a href="/monetarypolicy/fomcminutes{stamp}.htm">HTML</a><br>(Released {released:%B %d, %Y})</div>'
