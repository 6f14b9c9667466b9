"""``alvh revisions``: what publishers restated. Heavy imports stay inside."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, reports_errors
from flows.homes import home_to_read
from flows.printing import print_json, print_lines

if TYPE_CHECKING:
    from warehouse.restatements import Restatement

_SHOWN_DAYS = 3


@reports_errors
def revisions(
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Found on this day (UTC) or later."),
    ] = None,
    series: Annotated[
        str | None, typer.Option("--series", help="A contract, an index, a table or a column: VXF26, VIX, settle_pts.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """List past values that a source restated, newest first.

    Old and new value, the size of the change, when and by which run it was found, in which file, and the reports that
    were published while the old value was.

    \b
    Examples:
      alvh revisions
      alvh revisions --since 2026-01-02 --series VIX
    """
    from warehouse.restatements import list_restatements

    found = list_restatements(home_to_read(home), since.date() if since else None, series)
    if as_json:
        print_json({"revisions": [vars(one) for one in found]})
        return
    lines = [_say(one) for one in found]
    end = f"{len(found)} restated value{'' if len(found) == 1 else 's'}"
    print_lines("\n".join([*lines, end if found else "no published value was restated"]))


def _say(one: Restatement) -> str:
    size = ""
    if one.change_ticks is not None:
        ticks = f"{one.change_ticks:+.4g}"
        size = f" ({ticks} tick{'' if ticks in ('+1', '-1') else 's'})"
    elif one.change_frac is not None:
        size = f" ({one.change_frac:+.4%})"
    days = one.reported_days
    carried = f"in {len(days)} report{'' if len(days) == 1 else 's'}: " + ", ".join(map(str, days[-_SHOWN_DAYS:]))
    parts = (
        str(one.trade_date),
        f"{one.series} {one.column_name}",
        f"{_value(one.old_value)} to {_value(one.new_value)}{size}",
        f"found {one.detected_at_utc:%Y-%m-%d %H:%M} UTC, {one.file_name or 'file not told apart'}",
        carried if days else "in no report",
    )
    return "  ".join(parts)


def _value(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.10g}"
