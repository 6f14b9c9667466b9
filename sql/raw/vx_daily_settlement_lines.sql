-- model: raw.vx_daily_settlement_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the same-evening settlement tables, one file a session, as text with its number
-- source: www.cboe.com/us/futures/market_statistics/settlement/csv?dt=<session>
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    line_no,
    line_text
from stored_lines('vx_daily_settlement')
