"""Defect classes in contract files: each function plants one, or leaves the archive alone without room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from transforms import calendar
from transforms.contracts import expiry_of_current_file
from transforms.simulate.archive import CONTRACT_FOLDER, EVENING_FOLDER
from transforms.simulate.curve import TEN_FOLD_UNTIL
from transforms.simulate.defects import (
    EVERY_MONTH,
    NO_SPIKE,
    Planter,
    edited,
    failed_check,
    mended,
    quarantined,
)

OPEN, HIGH, LOW, CLOSE, SETTLE, VOLUME = 2, 3, 4, 5, 6, 8
"""Places of the fields in a contract file's line."""

_CHECKED_SINCE = date(2010, 1, 1)
_NOTICE = "These data are provided for convenience only, without any warranty of accuracy; see the terms of use."


def _one_bad_field(
    planter: Planter, *, defect: str, place: int, change: Callable[[str], str], reason: str, monthly: bool = False
) -> None:
    """Spoil one field of one line of a contract file, so that the line is rejected."""
    file = planter.take(planter.contract_files(monthly=monthly))
    if file is None:
        return
    lines = planter.lines(file)
    at = planter.pick(len(lines) - 1)
    lines[at] = edited(lines[at], {place: change(lines[at].split(",")[place])})
    planter.write(file, lines)
    is_in_curve = monthly and date.fromisoformat(lines[at][:10]) >= _CHECKED_SINCE
    planter.note(defect, file, at + 1, quarantined(reason), *([failed_check(EVERY_MONTH)] if is_in_curve else []))


def _zero_settle_of_a_month(planter: Planter) -> None:
    """A back month's settle is 0 with a close: nothing else has the value."""
    file = planter.take(planter.contract_files(monthly=True))
    if file is None:
        return
    lines = planter.lines(file)
    at = 10  # early in its life it is a back month: the rebuilt short-term index has no hole
    lines[at] = edited(lines[at], {SETTLE: "0.0000"})
    planter.write(file, lines)
    outcome = [failed_check(EVERY_MONTH)] if date.fromisoformat(lines[at][:10]) >= _CHECKED_SINCE else []
    planter.note("zero_settle", file, at + 1, quarantined("settle_not_published"), *outcome)


def _zero_settle_with_a_table(planter: Planter) -> None:
    """A zero settle on the session before the newest: the same-evening table has the value."""
    day = planter.evenings[-2].isoformat()
    table = planter.lines(f"{EVENING_FOLDER}/dt={day}")
    listed = [line.split(",") for line in table if line.startswith("VX,VX/")]
    file = f"{CONTRACT_FOLDER}/VX_{listed[4][2]}.csv"
    lines = planter.lines(file)
    at = next(number for number, line in enumerate(lines) if line.startswith(day))
    lines[at] = edited(lines[at], {SETTLE: "0.0000"})
    planter.write(file, lines)
    how = "the same-evening table's settlement is used"
    planter.note("zero_settle_with_table", file, at + 1, quarantined("settle_not_published"), mended(how))


def _leading_zero_row(planter: Planter, *, archived: bool) -> None:
    """A row of zeros before the contract's first settlement."""
    file = planter.take(planter.archive_files() if archived else planter.contract_files(monthly=True))
    if file is None:
        return
    lines = planter.lines(file)
    first = lines[1].split(",")
    begun = _archived_day(lines[1]) if archived else date.fromisoformat(first[0])
    before = calendar.sessions("XCBF", begun - timedelta(days=10), begun - timedelta(days=1))
    if not before:
        return
    stamp = f"{before[-1]:%m/%d/%Y}" if archived else before[-1].isoformat()
    zeros = "0.00,0.00,0.00,0.00,0.00,0.00" if archived else "0.0000,0.0000,0.0000,0.0000,0.0000,0"
    lines.insert(1, f"{stamp},{first[1]},{zeros},0,0,0")
    planter.write(file, lines)
    planter.note("all_zero_row", file, 2, quarantined("settle_not_published"))


def _crossed_quotes(planter: Planter) -> None:
    file = planter.take(
        path
        for path in planter.contract_files(monthly=True) + planter.contract_files(monthly=False)
        if any(line.split(",")[VOLUME] == "0" for line in planter.lines(path)[2:-1])
    )
    if file is None:
        return
    lines = planter.lines(file)
    at = next(number for number, line in enumerate(lines[:-1]) if number > 1 and line.split(",")[VOLUME] == "0")
    lines[at] = edited(lines[at], {HIGH: "12.5000", LOW: "30.0000"})
    planter.write(file, lines)
    planter.note("crossed_quotes", file, at + 1, mended("without volume the four prices are NULL, the settle is used"))


def _price_outside_range(planter: Planter, *, defect: str, place: int, reason: str) -> None:
    """A traded row whose open or close lies outside its high and low."""
    file = planter.take(planter.contract_files(monthly=True))
    if file is None:
        return
    lines = planter.lines(file)
    traded = [number for number in range(5, len(lines) - 3) if int(lines[number].split(",")[VOLUME]) > 0]
    at = traded[int(planter.random.integers(len(traded)))]
    fields = lines[at].split(",")
    outside = float(fields[HIGH]) + 1 if place == OPEN else float(fields[LOW]) - 0.35
    lines[at] = edited(lines[at], {place: f"{outside:.4f}"})
    planter.write(file, lines)
    planter.note(defect, file, at + 1, quarantined(reason, "field_nulled"))


def _traded_without_prices(planter: Planter) -> None:
    """Volume, but open and close are 0."""
    file = planter.take(planter.contract_files(monthly=True))
    if file is None:
        return
    lines = planter.lines(file)
    at = next(number for number in range(len(lines) - 5, 0, -1) if int(lines[number].split(",")[VOLUME]) > 0)
    lines[at] = edited(lines[at], {OPEN: "0.0000", CLOSE: "0.0000"})
    planter.write(file, lines)
    planter.note("traded_without_prices", file, at + 1, quarantined("traded_without_prices", "field_nulled"))


def _duplicated_row(planter: Planter) -> None:
    file = planter.take(planter.contract_files(monthly=True))
    if file is None:
        return
    lines = planter.lines(file)
    at = planter.pick(len(lines) - 1)
    lines.insert(at + 1, lines[at])
    planter.write(file, lines)
    planter.note("duplicated_row", file, at + 2, quarantined("duplicate_of_an_earlier_line"))


def _conflicting_rows(planter: Planter) -> None:
    file = planter.take(planter.contract_files(monthly=False))
    if file is None:
        return
    lines = planter.lines(file)
    at = planter.pick(len(lines) - 1)
    other = f"{float(lines[at].split(',')[SETTLE]) + 0.5:.4f}"
    lines.insert(at + 1, edited(lines[at], {SETTLE: other}))
    planter.write(file, lines)
    for number in (at + 1, at + 2):
        planter.note("conflicting_rows", file, number, quarantined("conflicting_lines_for_one_day"))


def _rows_of_another_contract(planter: Planter) -> None:
    """Lines of the next but one monthly stand in a weekly's file."""
    file = planter.take(planter.contract_files(monthly=False))
    expiry = expiry_of_current_file(file.rpartition("/")[2]) if file else None
    if file is None or expiry is None:
        return
    lines = planter.lines(file)
    later = sorted(path for path in planter.files if path.startswith(CONTRACT_FOLDER) and path > file)
    wanted = {line[:10]: number for number, line in enumerate(lines) if 5 <= number < 8}
    for path in later:
        other = expiry_of_current_file(path.rpartition("/")[2])
        found = {line[:10]: line for line in planter.lines(path)}
        if other and (other.year, other.month) != (expiry.year, expiry.month) and all(day in found for day in wanted):
            for day, number in wanted.items():
                lines[number] = found[day]
                planter.note("rows_of_another_contract", file, number + 1, quarantined("label_of_another_contract"))
            planter.write(file, lines)
            return


def _row_at_end(planter: Planter, *, defect: str, reason: str, days: int) -> None:
    """A line dated ``days`` after the expiry."""
    file = planter.take(planter.contract_files(monthly=False))
    if file is None:
        return
    lines = planter.lines(file)
    day = date.fromisoformat(lines[-1][:10]) + timedelta(days=days)
    lines.append(edited(lines[-1], {0: day.isoformat()}))
    planter.write(file, lines)
    planter.note(defect, file, len(lines), quarantined(reason))


def _row_on_a_weekend(planter: Planter) -> None:
    file = planter.take(planter.contract_files(monthly=False))
    if file is None:
        return
    lines = planter.lines(file)
    at = next(n for n, line in enumerate(lines) if n > 3 and date.fromisoformat(line[:10]).weekday() == 4)
    saturday = date.fromisoformat(lines[at][:10]) + timedelta(days=1)
    lines.insert(at + 1, edited(lines[at], {0: saturday.isoformat()}))
    planter.write(file, lines)
    planter.note("row_on_a_weekend", file, at + 2, quarantined("not_a_futures_session"))


def _cut_row(planter: Planter) -> None:
    file = planter.take(planter.contract_files(monthly=False))
    if file is None:
        return
    lines = planter.lines(file)
    at = planter.pick(len(lines) - 1)
    lines[at] = ",".join(lines[at].split(",")[:7])
    planter.write(file, lines)
    planter.note("cut_row", file, at + 1, quarantined("too_few_fields"))


def _spike_and_revert(planter: Planter) -> None:
    """An untraded back month settles three quarters higher for a day: plausible alone, not in its row."""
    file = planter.take(planter.contract_files(monthly=True))
    if file is None:
        return
    lines = planter.lines(file)
    at = 15
    lines[at] = edited(lines[at], {SETTLE: f"{float(lines[at].split(',')[SETTLE]) * 1.75:.4f}"})
    planter.write(file, lines)
    planter.note("spike_and_revert", file, at + 1, failed_check(NO_SPIKE))


def _whole_file(planter: Planter, *, defect: str, archived: bool, how: str) -> None:
    """A defect of the text as a whole, which reading mends."""
    file = planter.take(planter.archive_files() if archived else planter.contract_files(monthly=True))
    if file is None:
        return
    lines, end = planter.lines(file), "\n"
    line: int | None = None
    if defect == "legal_notice":
        lines, line = [_NOTICE, *lines], 1
    elif defect == "trailing_comma":
        lines = [lines[0], *(f"{text}," for text in lines[1:])]
    elif defect == "blank_line":
        line = planter.pick(len(lines) - 1) + 1
        lines.insert(line - 1, "")
    elif defect == "carriage_returns":
        end = "\r\n"
    elif defect == "byte_order_mark":
        lines[0] = "\ufeff" + lines[0]
    elif defect == "unpadded_dates":
        lines = [lines[0], *("/".join(part.removeprefix("0") for part in text.split("/", 2)) for text in lines[1:])]
    planter.write(file, lines, end)
    planter.note(defect, file, line, mended(how))


def _archived_bad_print(planter: Planter) -> None:
    file = planter.take(planter.archive_files())
    if file is None:
        return
    lines = planter.lines(file)
    at = 12
    lines[at] = edited(lines[at], {SETTLE: "1.00"})
    planter.write(file, lines)
    outcome = [failed_check(EVERY_MONTH)] if _archived_day(lines[at]) >= _CHECKED_SINCE else []
    planter.note("bad_print", file, at + 1, quarantined("settle_out_of_range"), *outcome)


def _ten_fold_quotes(planter: Planter) -> None:
    """Quotes ten times the index are in the archive already: say where."""
    for file in planter.archive_files():
        first = next(line for line in planter.lines(file) if line[:1].isdigit())
        if _archived_day(first) < TEN_FOLD_UNTIL.astype("datetime64[D]").item():
            planter.note("ten_fold_quotes", file, None, mended("quotes before 2007-03-26 are divided by ten"))


def _archived_day(line: str) -> date:
    """Date of an archive line, month first."""
    month, day, year = (int(part) for part in line.split(",")[0].split("/"))
    return date(year, month, day)


def _times(factor: float) -> Callable[[str], str]:
    return lambda text: f"{float(text) * factor:.4f}"


def _always(text: str) -> Callable[[str], str]:
    return lambda _: text


IN_CONTRACT_FILES: tuple[Callable[[Planter], None], ...] = (
    _zero_settle_with_a_table,
    _zero_settle_of_a_month,
    partial(_leading_zero_row, archived=False),
    partial(_leading_zero_row, archived=True),
    _crossed_quotes,
    partial(_price_outside_range, defect="close_below_low", place=CLOSE, reason="close_outside_high_low"),
    partial(_price_outside_range, defect="open_above_high", place=OPEN, reason="open_outside_high_low"),
    _traded_without_prices,
    _duplicated_row,
    _conflicting_rows,
    _rows_of_another_contract,
    partial(_row_at_end, defect="row_after_expiry", reason="after_the_contracts_expiry", days=1),
    _row_on_a_weekend,
    _cut_row,
    _spike_and_revert,
    partial(_one_bad_field, defect="bad_print", place=SETTLE, change=_always("1.0000"), reason="settle_out_of_range"),
    partial(
        _one_bad_field,
        defect="settle_of_another_scale",
        place=SETTLE,
        change=_times(100),
        reason="settle_out_of_range",
    ),
    partial(
        _one_bad_field, defect="unreadable_settle", place=SETTLE, change=_always("n/a"), reason="unreadable_number"
    ),
    partial(_one_bad_field, defect="negative_volume", place=VOLUME, change=_always("-5"), reason="negative_number"),
    partial(
        _one_bad_field, defect="unreadable_date", place=0, change=_always("2024-13-45"), reason="unreadable_trade_date"
    ),
    partial(
        _one_bad_field, defect="surplus_fields", place=10, change=lambda text: f"{text},7,7", reason="too_many_fields"
    ),
    partial(_whole_file, defect="legal_notice", archived=False, how="lines above the header are not data"),
    partial(_whole_file, defect="trailing_comma", archived=False, how="an empty surplus field is nothing"),
    partial(_whole_file, defect="blank_line", archived=False, how="a blank line is not data"),
    partial(_whole_file, defect="carriage_returns", archived=False, how="line ends of either kind are read"),
    partial(_whole_file, defect="byte_order_mark", archived=False, how="a mark before the header is dropped"),
    partial(_whole_file, defect="unpadded_dates", archived=True, how="month-first dates with and without zeros"),
    partial(_whole_file, defect="trailing_comma", archived=True, how="an empty surplus field is nothing"),
    partial(_whole_file, defect="legal_notice", archived=True, how="lines above the header are not data"),
    partial(_whole_file, defect="carriage_returns", archived=True, how="line ends of either kind are read"),
    _archived_bad_print,
    _ten_fold_quotes,
)
"""Defects in contract files, in the order in which they choose their files."""
