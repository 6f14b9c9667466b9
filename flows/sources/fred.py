"""FRED's addresses: the graph endpoint serves a series as CSV without a key, the API its vintages with one."""

from __future__ import annotations

from flows.sources.base import Request
from transforms.registry import Requirement, macro_series

_GRAPH = "https://fred.stlouisfed.org/graph/fredgraph.csv"
_API = "https://api.stlouisfed.org/fred/series/observations"
# Every value a series ever had, each with the days on which it was the current one.
_ALL_VINTAGES = "realtime_start=1776-07-04&realtime_end=9999-12-31&output_type=1&file_type=json"

_BILL = "DTB3"
_REVISED = ("CPIAUCSL", "PPIACO", "GDPC1", "RBUSBIS")
"""Series whose past values change, and whose vintages FRED keeps."""
_LARGEST_SERIES = 4 * 1024 * 1024
_LARGEST_VINTAGES = 24 * 1024 * 1024


def series(series_id: str, requirement: Requirement = "expected", *, is_context: bool = False) -> Request:
    """One series, latest vintage."""
    return Request(
        "fred",
        "fred_series",
        f"{series_id}.csv",
        f"{_GRAPH}?id={series_id}",
        requirement,
        may_be_absent=is_context,
        max_bytes=_LARGEST_SERIES,
        is_context=is_context,
    )


def bill_rate() -> Request:
    """Discount rate of the 91-day Treasury bill, for the rebuilt total-return indices."""
    return series(_BILL)


def context_series() -> list[Request]:
    """Every other series of the registry, latest vintage."""
    return [
        series(entry.series_id, entry.requirement, is_context=True)
        for entry in macro_series().values()
        if entry.series_id != _BILL
    ]


def vintages() -> list[Request]:
    """All vintages of the series that are revised. The API wants a key, which no address here holds."""
    return [
        Request(
            "fred",
            "fred_vintages",
            f"{series_id}_vintages.json",
            f"{_API}?series_id={series_id}&{_ALL_VINTAGES}",
            "optional",
            may_be_absent=True,
            max_bytes=_LARGEST_VINTAGES,
            is_context=True,
            needs_key=True,
        )
        for series_id in _REVISED
    ]
