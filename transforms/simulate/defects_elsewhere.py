"""Defect classes in the files beside the contracts': each function plants one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from transforms import calendar
from transforms.simulate.archive import EVENING_FOLDER, INDEX_FOLDER, LIST_FILE, SERIES_FOLDER
from transforms.simulate.defects import (
    LIST_CLEAN,
    NOT_REFUSED,
    OFFICIAL,
    SAME_EVENING,
    Planter,
    edited,
    failed_check,
    mended,
    quarantined,
    refused,
)

_PAGE = "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body></body></html>\n"
_DENIED = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>\n'


def _index_line(
    planter: Planter, *, code: str, defect: str, change: dict[int, str] | Callable[[list[str]], dict[int, str]],
    reason: str, disposition: str = "rejected",
) -> None:  # fmt: skip
    """Spoil one line of an index history."""
    file = f"{INDEX_FOLDER}/{code}_History.csv"
    lines = planter.lines(file)
    at = planter.pick(len(lines) - 1, keep_off=30)
    while any(entry.file == file and entry.line in (at, at + 1, at + 2) for entry in planter.planted):
        at = planter.pick(len(lines) - 1, keep_off=30)
    fields = lines[at].split(",")
    lines[at] = edited(lines[at], change(fields) if callable(change) else change)
    planter.write(file, lines)
    planter.note(defect, file, at + 1, quarantined(reason, disposition))


def _index_holiday(planter: Planter) -> None:
    """VIX has rows on days without an equity session; appended, so that no line number moves."""
    file = f"{INDEX_FOLDER}/VIX_History.csv"
    lines = planter.lines(file)
    first, last = (date(int(d[6:10]), int(d[:2]), int(d[3:5])) for d in (lines[1], lines[-1]))
    open_days = set(calendar.sessions("XNYS", first, last))
    weekdays = (first + timedelta(days=n) for n in range((last - first).days))
    holidays = [day for day in weekdays if day.weekday() < 5 and day not in open_days]
    if not holidays:
        return
    day = holidays[int(planter.random.integers(len(holidays)))]
    lines.append(edited(lines[-1], {0: f"{day:%m/%d/%Y}"}))
    planter.write(file, lines)
    planter.note("index_row_on_a_holiday", file, len(lines), quarantined("not_an_equity_session"))


def _index_duplicate(planter: Planter) -> None:
    file = f"{INDEX_FOLDER}/VIX6M_History.csv"
    lines = planter.lines(file)
    lines.append(lines[-3])
    planter.write(file, lines)
    planter.note("index_duplicated_row", file, len(lines), quarantined("duplicate_of_an_earlier_line"))


def _index_four_equal(planter: Planter) -> None:
    file = f"{INDEX_FOLDER}/VIX1Y_History.csv"
    lines = planter.lines(file)
    at = planter.pick(len(lines) - 1)
    close = lines[at].split(",")[4]
    lines[at] = edited(lines[at], {1: close, 2: close, 3: close})
    planter.write(file, lines)
    planter.note("four_equal_prices", file, at + 1, mended("the close is used, open, high and low are NULL"))


def _refused_file(planter: Planter, *, defect: str, code: str) -> None:
    """Something else under the name of an optional index history."""
    file = f"{INDEX_FOLDER}/{code}_History.csv"
    body = planter.files[file]
    planter.files[file] = {
        "web_page": _PAGE.encode(),
        "access_denied": _DENIED.encode(),
        "cut_body": body[: len(body) // 2].rsplit(b"\n", 1)[0] + b"\n06/1",
    }[defect]
    planter.spoilt.add(file)
    planter.note(defect, file, None, refused(), failed_check(NOT_REFUSED))


def _evening_of_another_day(planter: Planter) -> None:
    """The oldest table lists only contracts of a much later day."""
    day = planter.evenings[0]
    file = f"{EVENING_FOLDER}/dt={day.isoformat()}"
    lines = planter.lines(file)
    ahead = (day + timedelta(days=35)).isoformat()
    kept = [line for line in lines[1:] if line.split(",")[2] > ahead]
    planter.write(file, [lines[0], *kept])
    for number, line in enumerate(kept, start=2):
        if line.startswith("VX,"):
            planter.note("table_of_another_day", file, number, quarantined("table_of_another_day"))


def _evening_not_yet_published(planter: Planter) -> None:
    """The newest table is still the one of the session before."""
    before, newest = (f"{EVENING_FOLDER}/dt={day.isoformat()}" for day in planter.evenings[-2:])
    lines = planter.lines(before)
    planter.write(newest, lines)
    for number, line in enumerate(lines[1:], start=2):
        if line.startswith("VX,"):
            planter.note("table_not_yet_published", newest, number, quarantined("same_table_as_the_session_before"))


def _evening_differs(planter: Planter) -> None:
    """A same-evening settlement that the contract file later contradicts."""
    file = f"{EVENING_FOLDER}/dt={planter.evenings[-2].isoformat()}"
    lines = planter.lines(file)
    at = [number for number, line in enumerate(lines) if line.startswith("VX,VX/")][2]
    price = float(lines[at].split(",")[3])
    lines[at] = edited(lines[at], {3: f"{price + 0.05:.4f}"})
    planter.write(file, lines)
    planter.note("settle_revised_next_day", file, at + 1, failed_check(SAME_EVENING))


def _official_final_differs(planter: Planter) -> None:
    file = f"{INDEX_FOLDER}/VRO_History.csv"
    lines = planter.lines(file)
    at = planter.pick(len(lines) - 1, keep_off=1)
    day, value = lines[at].split(",")
    lines[at] = f"{day},{float(value) + 0.09:.2f}"
    planter.write(file, lines)
    planter.note("final_settlement_differs", file, at + 1, failed_check(OFFICIAL))


def _list_entries(planter: Planter) -> None:
    """Entries of the contract list that cannot be right: the paths come from outside."""
    years = json.loads(planter.files[LIST_FILE])
    entries = years[max(years)]
    count = sum(len(year) for year in years.values())
    template = entries[-1]
    bad = [
        ("climbing_path", {"path": "data/../../../../etc/passwd"}, "path_is_not_the_contracts_own"),
        ("path_of_another_contract", {"path": entries[0]["path"] + "x"}, "path_is_not_the_contracts_own"),
        ("another_product", {"futures_root": "VXM"}, "not_a_vx_contract"),
        ("unreadable_expiry", {"expire_date": "2026-02-30"}, "expire_date_is_not_a_date"),
        ("unknown_duration", {"duration_type": "D"}, "unknown_duration_type"),
    ]
    for number, (defect, change, reason) in enumerate(bad, start=count + 1):
        entries.append(template | change)
        planter.note(defect, LIST_FILE, number, quarantined(reason), failed_check(LIST_CLEAN))
    planter.files[LIST_FILE] = json.dumps(years, indent=0).encode()
    planter.spoilt.add(LIST_FILE)


def _series_lines(planter: Planter) -> None:
    file = f"{SERIES_FOLDER}/id=DTB3"
    lines = planter.lines(file)
    base = len(lines) // 2
    lines[base] = f"{lines[base][:10]},."
    planter.note("dot_for_no_value", file, base + 1, mended("a day without a value, as a blank"))
    lines[base + 3] = f"{lines[base + 3][:10]},ND"
    planter.note("unreadable_rate", file, base + 4, quarantined("unreadable_number"))
    lines[base + 6] = f"{lines[base + 6][:10]},4.1,4.2"
    planter.note("rate_with_two_values", file, base + 7, quarantined("wrong_number_of_fields"))
    lines.append("2199-12-30,4.20")
    planter.note("rate_of_the_future", file, len(lines), quarantined("after_the_day_it_was_fetched"))
    planter.write(file, lines)


IN_OTHER_FILES: tuple[Callable[[Planter], None], ...] = (
    partial(
        _index_line,
        code="VIX",
        defect="open_out_of_range",
        change={1: "2.580000"},
        reason="open_outside_high_low",
        disposition="field_nulled",
    ),
    partial(
        _index_line,
        code="VIX9D",
        defect="index_high_below_low",
        change=lambda fields: {2: fields[3], 3: fields[2]},
        reason="high_below_low",
        disposition="field_nulled",
    ),
    partial(
        _index_line,
        code="VIX3M",
        defect="index_close_above_high",
        change=lambda fields: {4: f"{float(fields[2]) + 0.5:.6f}"},
        reason="close_outside_high_low",
        disposition="field_nulled",
    ),
    partial(_index_line, code="VVIX", defect="stub_value", change={1: "15.710000"}, reason="close_out_of_range"),
    partial(_index_line, code="SKEW", defect="zero_close", change={1: "0.000000"}, reason="close_not_published"),
    partial(_index_line, code="SPX", defect="unreadable_close", change={4: "N/A"}, reason="unreadable_number"),
    _index_holiday,
    _index_duplicate,
    _index_four_equal,
    partial(_refused_file, defect="web_page", code="CNDR"),
    partial(_refused_file, defect="access_denied", code="VXTH"),
    partial(_refused_file, defect="cut_body", code="PPUT"),
    _evening_of_another_day,
    _evening_differs,
    _evening_not_yet_published,
    _official_final_differs,
    _list_entries,
    _series_lines,
)
"""Defects in the other files."""
