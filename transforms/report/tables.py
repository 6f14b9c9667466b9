"""The tables of the curve, of the regime, of the indices and of the health of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transforms.page.tables import Cell, Column, Table, make_cell, make_column, make_row, make_table
from transforms.page.text import (
    MISSING,
    NOT_PUBLISHED,
    join_words,
    say_count,
    say_date,
    say_level,
    say_number,
)
from transforms.report.links import href_of
from transforms.report.measures import ALL_MEASURES, CURVE_MEASURES

ToCell = Callable[[Mapping[str, Any]], Cell]
LISTED_ROWS = 40
"""Longest list on the page; the rest is counted and stays in the JSON file and the warehouse."""


def build_contract_table(curve: Mapping[str, Any]) -> Table:
    """Return VIX and VX1 to VX9: expiry, days, settlement, change of the contract, earlier settlements."""
    comparisons = curve["comparisons"]
    columns = [
        make_column(""),
        make_column("Expiry", href=href_of("expiry_date")),
        make_column("Days", is_number=True, href=href_of("calendar_days_to_expiry")),
        make_column("Settlement", "VIX points", terse="Settle", is_number=True, href=href_of("settle_pts")),
        make_column("Change", "same contract, 1 day", is_number=True, href=href_of("change_1d_pts")),
        *_comparison_columns(comparisons, has_first=False),
    ]
    earlier = [{contract["rank"]: contract for contract in before["contracts"]} for before in comparisons]
    rows = [
        make_row(
            make_cell("VIX", href=href_of("vix_close_pts")),
            make_cell("spot"),
            _number(0, "days"),
            _published(curve["vix_close_pts"], "pts"),
            _number(curve["vix_change_1d_pts"], "pts", signed=True),
            *(_number(before["vix_close_pts"], "pts") for before in comparisons),
        )
    ]
    for contract in curve["contracts"]:
        rank = contract["rank"]
        rows.append(
            make_row(
                make_cell(f"VX{rank}", href=href_of(f"vx{rank}_settle_pts")),
                make_cell(say_date(contract["expiry_date"]) if contract["expiry_date"] else "not listed"),
                _number(contract["calendar_days_to_expiry"], "days"),
                _number(
                    contract["settle_pts"],
                    "pts",
                    missing=NOT_PUBLISHED if contract["expiry_date"] else MISSING,
                ),
                _number(
                    contract["change_1d_pts"],
                    "pts",
                    signed=True,
                    note=f"was VX{contract['rank_1d_before']}" if contract["is_rank_shifted"] else "",
                ),
                *(_number(ranks.get(rank, {}).get("settle_pts"), "pts") for ranks in earlier),
            )
        )
    return make_table(columns, rows, [*_shift_notes(curve), *_comparison_notes(comparisons)])


def _shift_notes(curve: Mapping[str, Any]) -> list[str]:
    shifted = [contract for contract in curve["contracts"] if contract["is_rank_shifted"]]
    day = say_date(curve["comparisons"][0]["trade_date"])
    notes = []
    if shifted:
        one = shifted[0]
        notes.append(
            f"Ranks shifted: VX{one['rank']} was VX{one['rank_1d_before']} on {day}, and so on where a row "
            "says so. The change compares the same contract, the earlier columns the same rank."
        )
    unlisted = [
        f"VX{one['rank']}"
        for one in curve["contracts"]
        if one["expiry_date"] and one["rank_1d_before"] is None and curve["comparisons"][0]["trade_date"]
    ]
    if unlisted:
        notes.append(f"No change for {join_words(unlisted)}: not among VX1 to VX9 on {day}.")
    return notes


def build_measure_table(curve: Mapping[str, Any]) -> Table:
    """Return the measures of the curve, tonight and on the three earlier sessions."""
    columns = [
        make_column("Measure"),
        make_column("As of", say_date(curve["trade_date"], year=False), is_number=True),
        *_comparison_columns(curve["comparisons"]),
    ]
    rows = []
    for measure in CURVE_MEASURES:
        value = curve["measures"][measure.column]
        rows.append(
            make_row(
                make_cell(measure.label, href=href_of(measure.column)),
                _number(value, measure.style, signed=measure.is_signed, missing="not evaluable"),
                *(
                    _number(before["measures"][measure.column], measure.style, signed=measure.is_signed)
                    for before in curve["comparisons"]
                ),
            )
        )
    return make_table(columns, rows, [])


def build_regime_table(regime: Mapping[str, Any]) -> Table:
    """Return the two axes, level and state, with the confirmed regime, tonight and earlier."""
    comparisons = regime["comparisons"]
    columns = [
        make_column(""),
        make_column("As of", say_date(regime["trade_date"], year=False)),
        *_comparison_columns(comparisons, is_number=False),
    ]
    rows = []
    for name in ("vol_level", "curve_state", "curve_regime", "days_in_regime"):
        values = [one[name] for one in (regime, *comparisons)]
        texts = ["" if value is None else say_level(str(value)) for value in values]
        rows.append(
            make_row(
                make_cell(ALL_MEASURES[name].label, href=href_of(name)),
                make_cell(texts[0] or "not evaluable", tone="" if texts[0] else "missing"),
                *(make_cell(text or MISSING, tone="" if text else "missing") for text in texts[1:]),
            )
        )
    return make_table(columns, rows, [])


def build_index_table(curve: Mapping[str, Any]) -> Table:
    """Return the published indices: close tonight, close on the session before, change."""
    levels = curve["index_levels"]
    before = next((one["previous_trade_date"] for one in levels if one["previous_trade_date"]), None)
    columns = [
        make_column("Index"),
        make_column("Close", say_date(curve["trade_date"], year=False), is_number=True),
        make_column("Before", say_date(before, year=False), is_number=True),
        make_column("Change", is_number=True),
    ]
    rows = [
        make_row(
            make_cell(one["index_code"], href=href_of("close_pts")),
            _published(one["close_pts"], "pts"),
            _number(one["previous_close_pts"], "pts"),
            _number(one["change_1d_pts"], "pts", signed=True),
        )
        for one in levels
    ]
    return make_table(columns, rows, [])


def build_futures_index_table(curve: Mapping[str, Any]) -> Table:
    """Return the rebuilt VIX futures indices with what they earned over 1, 5 and 21 sessions."""
    columns = [
        make_column("Rebuilt index"),
        make_column("Level", say_date(curve["trade_date"], year=False), is_number=True),
        *(
            make_column(label, is_number=True, is_secondary=label == "1 week")
            for label in ("1 day", "1 week", "1 month")
        ),
    ]
    rows = [
        make_row(
            make_cell(ALL_MEASURES[one["index_name"]].label, href=href_of(one["index_name"])),
            _number(one["level"], "level", missing="not evaluable"),
            *(_number(one[f"return_{back}_sessions_frac"], "frac", signed=True) for back in (1, 5, 21)),
        )
        for one in curve["futures_indices"]
    ]
    return make_table(columns, rows, [])


def build_roll_down_sentence(curve: Mapping[str, Any]) -> str:
    """Return last month's static roll-down beside what the futures have earned since."""
    roll = curve["roll_down"]
    quoted, realised = roll["quoted_roll_down_front_frac"], roll["realised_short_term_er_frac"]
    if roll["quoted_trade_date"] is None:
        return "Static roll-down against realised: fewer than 21 earlier sessions."
    day = say_date(roll["quoted_trade_date"])
    said = "was not evaluable" if quoted is None else f"stood at {say_number(quoted, 'frac', signed=True)}"
    came = (
        "what a holder earned since is not evaluable"
        if realised is None
        else f"a long holder has earned {say_number(realised, 'frac', signed=True)} since"
    )
    return (
        f"Static against realised: on {day} the front roll-down {said} over 30 days; "
        f"{came} (short-term index, excess return, 21 sessions)."
    )


def build_health_tables(health: Mapping[str, Any]) -> dict[str, Table]:
    """Return the tables of the data health section: sources, failed checks, quarantine, revisions."""
    return {
        "sources": _list_rows(health["sources"], _SOURCE_COLUMNS),
        "checks": _list_rows(health["checks"]["failed"], _CHECK_COLUMNS),
        "quarantine": _list_rows(health["quarantine"], _QUARANTINE_COLUMNS),
        "revisions": _list_rows(health["revisions"], _REVISION_COLUMNS),
        "settlement_differences": _list_rows(health["settlement_differences"], _DIFFERENCE_COLUMNS),
    }


def build_health_parts(health: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the folded parts of the data health section: the name of the table, and what it says in a line."""
    sources = health["sources"]
    late = [source for source in sources if source["status"] != "ok" and source["requirement"] != "optional"]
    absent = sum(source["status"] == "absent" and source["requirement"] == "optional" for source in sources)
    state = f"{say_count(len(late), 'needed one')} not fresh" if late else "all that is needed is fresh"
    rows = sum(int(group["rows"] or 0) for group in health["quarantine"])
    titles = {
        "sources": ("Sources", f"{say_count(len(sources), 'source')}: {state}; {absent} optional absent", "sources"),
        "quarantine": ("Quarantine", f"{say_count(rows, 'line')} of source files refused or flagged", "long-text"),
        "revisions": (
            "Values revised since the last run",
            f"{say_count(len(health['revisions']), 'published value')} restated by this run",
            "long-text",
        ),
        "settlement_differences": (
            "Settlements that differ between two files of the exchange",
            say_count(len(health["settlement_differences"]), "settlement")
            + " of the last 30 days: two files of the exchange differ",
            "",
        ),
    }
    return [
        {"name": name, "label": label, "title": title, "class": look}
        for name, (label, title, look) in titles.items()
        if health[name]
    ]


def _list_rows(entries: Sequence[Mapping[str, Any]], fields: Sequence[tuple[Column, ToCell]]) -> Table:
    rows = [make_row(*(to_cell(entry) for _, to_cell in fields)) for entry in entries[:LISTED_ROWS]]
    left = len(entries) - len(rows)
    notes = [f"And {say_count(left, 'more row')} in hedge-state.json."] if left else []
    return make_table([column for column, _ in fields], rows, notes)


def _comparison_columns(
    comparisons: Sequence[Mapping[str, Any]], *, is_number: bool = True, has_first: bool = True
) -> list[Column]:
    columns: list[Column] = []
    for one in comparisons:
        day = say_date(one["trade_date"], year=False)
        # a phone has room for the newest of them
        is_secondary = bool(columns) or not has_first
        columns.append(make_column(one["label"], day, terse=day, is_number=is_number, is_secondary=is_secondary))
    return columns


def _comparison_notes(comparisons: Sequence[Mapping[str, Any]]) -> list[str]:
    absent = [one["label"] for one in comparisons if one["trade_date"] is None]
    return [f"No session in the warehouse for {join_words(absent)}."] if absent else []


def _number(
    value: float | None, style: str, *, signed: bool = False, note: str = "", missing: str = MISSING
) -> dict[str, Any]:
    if not isinstance(value, int | float):
        return make_cell(missing, note=note, tone="missing")
    return make_cell(say_number(value, style, signed=signed), note=note)


def _published(value: float | None, style: str) -> dict[str, Any]:
    return _number(value, style, missing=NOT_PUBLISHED)


def _count(value: Any) -> dict[str, Any]:
    return _number(value, "count") if isinstance(value, int | float) else make_cell(_text(value))


def _text(value: Any, missing: str = MISSING) -> str:
    return missing if value is None or value == "" else str(value)


def _field(name: str) -> ToCell:
    return lambda row: make_cell(_text(row[name]))


def _count_field(name: str) -> ToCell:
    return lambda row: _count(row[name])


def _pts_field(name: str, *, signed: bool = False) -> ToCell:
    return lambda row: _number(row[name], "pts", signed=signed)


def _source_cell(source: Mapping[str, Any]) -> Cell:
    return make_cell(_text(source["label"] or source["dataset"]), note=_text(source["note"], ""))


def _status_cell(source: Mapping[str, Any]) -> Cell:
    is_quiet = source["requirement"] == "optional"
    tone = "ok" if source["status"] == "ok" else "quiet" if is_quiet else "bad"
    return make_cell(_text(source["status"]), tone=tone)


def _instant_cell(source: Mapping[str, Any]) -> Cell:
    return make_cell(_text(source["fetched_at_utc"]).replace("T", " ").removesuffix("Z"))


def _severity_cell(check: Mapping[str, Any]) -> Cell:
    return make_cell(_text(check["severity"]), tone="bad" if check["severity"] == "error" else "warn")


def _sample_cell(check: Mapping[str, Any]) -> Cell:
    return make_cell("; ".join(_say_sample(row) for row in check["sample"][:3]) or MISSING)


def _disposition_cell(group: Mapping[str, Any]) -> Cell:
    return make_cell(_text(group["disposition"]).replace("_", " "))


def _say_sample(row: Any) -> str:
    if not isinstance(row, Mapping):
        return str(row)
    return ", ".join(f"{key} {MISSING if value is None else value}" for key, value in row.items())


_SOURCE_COLUMNS: tuple[tuple[Column, ToCell], ...] = (
    (make_column("Source"), _source_cell),
    (make_column("Publisher"), _field("publisher")),
    (make_column("Files", is_number=True), _count_field("files")),
    (make_column("Newest value"), _field("newest_reference_date")),
    (make_column("Age", "sessions", is_number=True), _count_field("age_sessions")),
    (make_column("Status"), _status_cell),
    (make_column("Need"), _field("requirement")),
    (make_column("Fetched", "UTC"), _instant_cell),
)
_CHECK_COLUMNS: tuple[tuple[Column, ToCell], ...] = (
    (make_column("Check"), _field("check_name")),
    (make_column("Severity"), _severity_cell),
    (make_column("Rows", is_number=True), _count_field("offending_rows")),
    (make_column("What it claims"), _field("what")),
    (make_column("First rows"), _sample_cell),
)
_QUARANTINE_COLUMNS: tuple[tuple[Column, ToCell], ...] = (
    (make_column("Dataset"), _field("dataset")),
    (make_column("Reason"), _field("reason")),
    (make_column("Done with it"), _disposition_cell),
    (make_column("Rows", is_number=True), _count_field("rows")),
    (make_column("First"), _field("first_trade_date")),
    (make_column("Last"), _field("last_trade_date")),
    (make_column("Example"), _field("example")),
)
_REVISION_COLUMNS: tuple[tuple[Column, ToCell], ...] = (
    (make_column("Session"), _field("trade_date")),
    (make_column("Table"), _field("table_name")),
    (make_column("Key"), _field("key")),
    (make_column("Column"), _field("column_name")),
    (make_column("Old", is_number=True), _field("old_value")),
    (make_column("New", is_number=True), _field("new_value")),
)
_DIFFERENCE_COLUMNS: tuple[tuple[Column, ToCell], ...] = (
    (make_column("Session"), _field("trade_date")),
    (make_column("Contract"), _field("contract_code")),
    (make_column("Contract file", "VIX points", is_number=True), _pts_field("contract_file_pts")),
    (make_column("Same evening", "VIX points", is_number=True), _pts_field("same_evening_pts")),
    (make_column("Difference", is_number=True), _pts_field("difference_pts", signed=True)),
)
