"""The panel of monthly settlements by tenor rank in bare DuckDB: one statement over the list of files."""

from __future__ import annotations

import sys

import duckdb

from benchmarks.rivals.files import IN_TENTHS_UNTIL, check_panel, read_listing

PANEL = """
create table panel as
with
lines as (
    select filename, string_split(line, ',') as cells
    from read_csv(
        $files, columns = {'line': 'varchar'}, delim = '\\0', quote = '', escape = '', header = false,
        auto_detect = false, filename = true, ignore_errors = true, null_padding = true
    )
    where regexp_matches(line, '^[0-9]')
),
parsed as (
    select
        listing.expiry_date,
        listing.is_current,
        coalesce(
            try_cast(cells[1] as date), try_strptime(cells[1], '%m/%d/%Y')::date
        ) as trade_date,
        try_cast(cells[7] as double) as settle_pts
    from lines join listing using (filename)
),
clean as (
    select
        trade_date, expiry_date, is_current,
        case when trade_date <= date $until then settle_pts / 10 else settle_pts end as settle_pts
    from parsed
    where settle_pts > 0 and trade_date <= expiry_date
    qualify row_number() over (partition by trade_date, expiry_date order by is_current desc) = 1
)
select
    trade_date, expiry_date, settle_pts, expiry_date - trade_date as calendar_days_to_expiry,
    rank() over (partition by trade_date order by expiry_date) as tenor_rank
from clean
"""

WIDE = """
create table wide as
pivot (select * from panel where tenor_rank <= 9) on tenor_rank using any_value(settle_pts) group by trade_date
"""


def main() -> None:
    listing = read_listing(sys.argv[1])
    with duckdb.connect(sys.argv[2]) as connection:
        connection.execute("create temp table listing (filename varchar, expiry_date date, is_current boolean)")
        connection.execute(
            "insert into listing select unnest(?), unnest(?)::date, unnest(?)",
            [list(listing), list(listing.values()), ["/VX/" in path for path in listing]],
        )
        connection.execute(PANEL.replace("$until", f"'{IN_TENTHS_UNTIL}'"), {"files": list(listing)})
        connection.execute(WIDE)
        ((rows, sessions),) = connection.execute("select count(*), count(distinct trade_date) from panel").fetchall()
    check_panel(rows, sessions)


if __name__ == "__main__":
    main()
