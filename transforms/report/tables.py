"""The tables of the page: header cells and rows of text, each number beside its raw value.

A table is ``{"columns": [...], "rows": [...], "notes": [...]}``. A column has ``label``, ``detail``
and ``is_number``; a row has ``cells``; a cell has ``text``, ``href`` (its place in the glossary or
empty), ``note`` and ``tone``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.report.measures import ALL_MEASURES, CURVE_MEASURES, anchor
from transforms.report.text import MISSING, NOT_PUBLISHED, join_words, say_count, say_date, say_number

Table = dict[str, Any]
LISTED_ROWS = 40
"""Longest list on the page; the rest is counted and stays in the JSON file and the warehouse."""


def build_contract_table(curve: Mapping[str, Any]) -> Table:
    """Return VIX and VX1 to VX9: expiry, days, settlement, change of the contract, earlier settlements."""
    comparisons = curve["comparisons"]
    columns = [
        _column(""),
        _column("Expiry"),
        _column("Days", is_number=True),
        _column("Settlement", "VIX points", is_number=True),
        _column("Change", "same contract, 1 day", is_number=True),
        *_comparison_columns(comparisons),
    ]
    earlier = [{contract["rank"]: contract for contract in before["contracts"]} for before in comparisons]
    rows = [
        _row(
            _cell("VIX", href=anchor("vix_close_pts")),
            _cell("spot"),
            _number(0, "days"),
            _published(curve["vix_close_pts"], "pts"),
            _number(curve["vix_change_1d_pts"], "pts", signed=True),
            *(_number(before["vix_close_pts"], "pts") for before in comparisons),
        )
    ]
    for contract in curve["contracts"]:
        rank = contract["rank"]
        rows.append(
            _row(
                _cell(f"VX{rank}", href=anchor("settle_pts")),
                _cell(say_date(contract["expiry_date"]) if contract["expiry_date"] else "not listed"),
                _number(contract["calendar_days_to_expiry"], "days"),
                _published(contract["settle_pts"], "pts"),
                _number(
                    contract["change_1d_pts"],
                    "pts",
                    signed=True,
                    note=f"was VX{contract['rank_1d_before']}" if contract["is_rank_shifted"] else "",
                ),
                *(_number(ranks.get(rank, {}).get("settle_pts"), "pts") for ranks in earlier),
            )
        )
    return _table(columns, rows, [*_shift_notes(curve), *_comparison_notes(comparisons)])


def _shift_notes(curve: Mapping[str, Any]) -> list[str]:
    shifted = [contract for contract in curve["contracts"] if contract["is_rank_shifted"]]
    day = say_date(curve["comparisons"][0]["trade_date"])
    notes = []
    if shifted:
        pairs = join_words([f"VX{one['rank']} was VX{one['rank_1d_before']}" for one in shifted])
        notes.append(
            f"The ranks shifted since {day}: {pairs}. The change compares the same contract, "
            "the earlier columns the same rank."
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
        _column("Measure"),
        _column("Tonight", say_date(curve["trade_date"], year=False), is_number=True),
        *_comparison_columns(curve["comparisons"]),
    ]
    rows = []
    for measure in CURVE_MEASURES:
        value = curve["measures"][measure.column]
        rows.append(
            _row(
                _cell(measure.label, href=anchor(measure.column)),
                _number(value, measure.style, signed=measure.is_signed, missing="not evaluable"),
                *(
                    _number(before["measures"][measure.column], measure.style, signed=measure.is_signed)
                    for before in curve["comparisons"]
                ),
            )
        )
    return _table(columns, rows, [])


def build_regime_table(regime: Mapping[str, Any]) -> Table:
    """Return the two axes, level and state, with the confirmed regime, tonight and earlier."""
    comparisons = regime["comparisons"]
    columns = [
        _column(""),
        _column("Tonight", say_date(regime["trade_date"], year=False)),
        *_comparison_columns(comparisons, is_number=False),
    ]
    rows = []
    for name in ("vol_level", "curve_state", "curve_regime", "days_in_regime"):
        values = [one[name] for one in (regime, *comparisons)]
        texts = ["" if value is None else str(value) for value in values]
        rows.append(
            _row(
                _cell(ALL_MEASURES[name].label, href=anchor(name)),
                _cell(texts[0] or "not evaluable", tone="" if texts[0] else "missing"),
                *(_cell(text or MISSING, tone="" if text else "missing") for text in texts[1:]),
            )
        )
    return _table(columns, rows, [])


def build_index_table(curve: Mapping[str, Any]) -> Table:
    """Return the published indices: close tonight, close on the session before, change."""
    levels = curve["index_levels"]
    before = next((one["previous_trade_date"] for one in levels if one["previous_trade_date"]), None)
    columns = [
        _column("Index"),
        _column("Close", say_date(curve["trade_date"], year=False), is_number=True),
        _column("Before", say_date(before, year=False), is_number=True),
        _column("Change", is_number=True),
    ]
    rows = [
        _row(
            _cell(one["index_code"], href=anchor("close_pts")),
            _published(one["close_pts"], "pts"),
            _number(one["previous_close_pts"], "pts"),
            _number(one["change_1d_pts"], "pts", signed=True),
        )
        for one in levels
    ]
    return _table(columns, rows, [])


def build_futures_index_table(curve: Mapping[str, Any]) -> Table:
    """Return the rebuilt VIX futures indices with what they earned over 1, 5 and 21 sessions."""
    columns = [
        _column("Rebuilt index"),
        _column("Level", say_date(curve["trade_date"], year=False), is_number=True),
        *(_column(label, is_number=True) for label in ("1 day", "1 week", "1 month")),
    ]
    rows = [
        _row(
            _cell(ALL_MEASURES[one["index_name"]].label, href=anchor(one["index_name"])),
            _number(one["level"], "level", missing="not evaluable"),
            *(_number(one[f"return_{back}_sessions_frac"], "frac", signed=True) for back in (1, 5, 21)),
        )
        for one in curve["futures_indices"]
    ]
    return _table(columns, rows, [])


def build_roll_down_sentence(curve: Mapping[str, Any]) -> str:
    """Return last month's static roll-down beside what the futures have earned since."""
    roll = curve["roll_down"]
    quoted, realised = roll["quoted_roll_down_front_frac"], roll["realised_short_term_er_frac"]
    if roll["quoted_trade_date"] is None:
        return "Static roll-down against realised: fewer than 21 earlier sessions."
    day = say_date(roll["quoted_trade_date"])
    said = "was not evaluable" if quoted is None else f"promised {say_number(quoted, 'frac', signed=True)}"
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
    sources = _listing(
        health["sources"],
        [_column("Source"), _column("Publisher"), _column("Files", is_number=True), _column("Newest value"),
         _column("Age", "sessions", is_number=True), _column("Status"), _column("Need"), _column("Fetched (UTC)")],
        lambda one: [
            _cell(_first(one["label"], one["dataset"]), note=_text(one["note"], "")), _cell(_text(one["publisher"])),
            _count(one["files"]), _cell(_text(one["newest_reference_date"])), _count(one["age_sessions"]),
            _cell(_text(one["status"]), tone=_status_tone(one)), _cell(_text(one["requirement"])),
            _cell(_text(one["fetched_at_utc"]).replace("T", " ").removesuffix("Z")),
        ],
    )  # fmt: skip
    checks = _listing(
        health["checks"]["failed"],
        [_column("Check"), _column("Severity"), _column("Rows", is_number=True), _column("What it claims"), _column("First rows")],
        lambda one: [
            _cell(_text(one["check_name"])), _cell(_text(one["severity"]), tone="bad" if one["severity"] == "error" else "warn"),
            _count(one["offending_rows"]), _cell(_text(one["what"])),
            _cell("; ".join(_say_sample(row) for row in one["sample"][:3]) or MISSING),
        ],
    )  # fmt: skip
    quarantine = _listing(
        health["quarantine"],
        [_column("Dataset"), _column("Reason"), _column("Done with it"), _column("Rows", is_number=True),
         _column("First"), _column("Last"), _column("Example")],
        lambda one: [
            _cell(_text(one["dataset"])), _cell(_text(one["reason"])), _cell(_text(one["disposition"]).replace("_", " ")),
            _count(one["rows"]), _cell(_text(one["first_trade_date"])), _cell(_text(one["last_trade_date"])),
            _cell(_text(one["example"])),
        ],
    )  # fmt: skip
    revisions = _listing(
        health["revisions"],
        [_column("Session"), _column("Table"), _column("Key"), _column("Column"),
         _column("Old", is_number=True), _column("New", is_number=True)],
        lambda one: [
            _cell(_text(one["trade_date"])), _cell(_text(one["table_name"])), _cell(_text(one["key"])),
            _cell(_text(one["column_name"])), _cell(_text(one["old_value"])), _cell(_text(one["new_value"])),
        ],
    )  # fmt: skip
    differences = _listing(
        health["settlement_differences"],
        [_column("Session"), _column("Contract"), _column("Contract file", "VIX points", is_number=True),
         _column("Same evening", "VIX points", is_number=True), _column("Difference", is_number=True)],
        lambda one: [
            _cell(_text(one["trade_date"])), _cell(_text(one["contract_code"])), _number(one["contract_file_pts"], "pts"),
            _number(one["same_evening_pts"], "pts"), _number(one["difference_pts"], "pts", signed=True),
        ],
    )  # fmt: skip
    return {
        "sources": sources,
        "checks": checks,
        "quarantine": quarantine,
        "revisions": revisions,
        "settlement_differences": differences,
    }


def _listing(entries: Sequence[Mapping[str, Any]], columns: list[dict[str, Any]], to_cells: Any) -> Table:
    rows = [_row(*to_cells(entry)) for entry in entries[:LISTED_ROWS]]
    left = len(entries) - len(rows)
    notes = [f"And {say_count(left, 'more row')} in hedge-state.json."] if left else []
    return _table(columns, rows, notes)


def _table(columns: list[dict[str, Any]], rows: list[dict[str, Any]], notes: list[str]) -> Table:
    return {"columns": columns, "rows": rows, "notes": notes}


def _column(label: str, detail: str = "", *, is_number: bool = False) -> dict[str, Any]:
    return {"label": label, "detail": detail, "is_number": is_number}


def _comparison_columns(
    comparisons: Sequence[Mapping[str, Any]], *, is_number: bool = True
) -> list[dict[str, Any]]:
    return [
        _column(one["label"], say_date(one["trade_date"], year=False), is_number=is_number)
        for one in comparisons
    ]


def _comparison_notes(comparisons: Sequence[Mapping[str, Any]]) -> list[str]:
    absent = [one["label"] for one in comparisons if one["trade_date"] is None]
    return [f"No session in the warehouse for {join_words(absent)}."] if absent else []


def _row(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells)}


def _cell(text: str, *, href: str = "", note: str = "", tone: str = "") -> dict[str, Any]:
    return {"text": text, "href": f"#{href}" if href else "", "note": note, "tone": tone}


def _number(
    value: float | None, style: str, *, signed: bool = False, note: str = "", missing: str = MISSING
) -> dict[str, Any]:
    if not isinstance(value, int | float):
        return _cell(missing, note=note, tone="missing")
    return _cell(say_number(value, style, signed=signed), note=note)


def _published(value: float | None, style: str) -> dict[str, Any]:
    return _number(value, style, missing=NOT_PUBLISHED)


def _count(value: Any) -> dict[str, Any]:
    return _number(value, "count") if isinstance(value, int | float) else _cell(_text(value))


def _text(value: Any, missing: str = MISSING) -> str:
    return missing if value is None or value == "" else str(value)


def _first(*values: Any) -> str:
    return next((str(value) for value in values if value), MISSING)


def _status_tone(source: Mapping[str, Any]) -> str:
    if source["status"] == "ok":
        return "ok"
    return "quiet" if source["requirement"] == "optional" else "bad"


def _say_sample(row: Any) -> str:
    if not isinstance(row, Mapping):
        return str(row)
    return ", ".join(f"{key} {MISSING if value is None else value}" for key, value in row.items())
