"""Which page tells of the source behind a raw table, and so of every table that is made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from transforms.site.inputs import TableFacts

RAW_SOURCES: Mapping[str, tuple[str, ...]] = {
    "raw.contract_list": ("cboe_vx_futures",),
    "raw.fomc_page_meetings": ("fomc",),
    "raw.fred_series_lines": ("fred",),
    "raw.fred_vintages": ("fred",),
    "raw.fund_nav_lines": ("volatility_funds",),
    "raw.index_history_lines": ("cboe_indices",),
    "raw.nyse_breadth_lines": ("nyse_breadth",),
    "raw.price_bars": ("cboe_price_bars",),
    "raw.release_date_lines": ("release_calendars", "user_files"),
    "raw.sector_lines": ("user_files",),
    "raw.shiller_lines": ("shiller",),
    "raw.shiller_workbook": ("shiller", "user_files"),
    "raw.vix_option_quotes": ("cboe_vix_options",),
    "raw.vx_archive_lines": ("cboe_vx_futures",),
    "raw.vx_contract_lines": ("cboe_vx_futures",),
    "raw.vx_daily_settlement_lines": ("cboe_vx_futures",),
    "raw.vx_final_settlement_lines": ("cboe_vx_futures",),
    # shipped or given, not fetched
    "ref.book": ("user_files",),
    "ref.book_positions": ("user_files",),
    "ref.corrections": ("cboe_vx_futures",),
    "ref.etp_launches": ("volatility_etp_launches",),
    "ref.fomc_meetings": ("fomc",),
    "ref.indices": ("cboe_indices",),
    "ref.macro_series": ("fred",),
    "ref.release_dates": ("release_calendars",),
}
"""Pages under ``docs/data_sources`` by table. What reads from these tables has these sources."""


def find_sources(tables: Iterable[TableFacts]) -> dict[str, list[str]]:
    """Return the source pages of every table: its own, and those of whatever it is made from."""
    parents = {table.name: {*table.reads} - {table.name} for table in tables}
    return {name: sorted(_collect(name, parents, set())) for name in parents}


def _collect(name: str, parents: Mapping[str, set[str]], seen: set[str]) -> set[str]:
    if name in seen:
        return set()
    seen.add(name)
    found = set(RAW_SOURCES.get(name, ()))
    for parent in parents.get(name, ()):
        found |= _collect(parent, parents, seen)
    return found
