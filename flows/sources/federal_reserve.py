"""The Federal Reserve's address of its meeting calendar: a page made for people, asked for as it is."""

from __future__ import annotations

from flows.sources.base import Request

_PAGE = "https://www.federalreserve.gov/monetarypolicy/fomccalendars.htm"
_LARGEST = 4 * 1024 * 1024


def meeting_calendar() -> Request:
    """The days of FOMC meetings, past ones since about five years ago and those announced."""
    return Request(
        "federalreserve",
        "fomc_calendar",
        "fomccalendars.htm",
        _PAGE,
        "optional",
        may_be_absent=True,
        max_bytes=_LARGEST,
        is_context=True,
    )
