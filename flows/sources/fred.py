"""FRED's addresses, without a key: the graph endpoint serves a series as CSV."""

from __future__ import annotations

from flows.sources.base import Request

_GRAPH = "https://fred.stlouisfed.org/graph/fredgraph.csv"


def series(series_id: str) -> Request:
    """One series, latest vintage."""
    return Request("fred", "fred_series", f"{series_id}.csv", f"{_GRAPH}?id={series_id}", "expected")


def bill_rate() -> Request:
    """Discount rate of the 91-day Treasury bill, for the rebuilt total-return indices."""
    return series("DTB3")
