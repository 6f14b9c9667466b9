-- model: raw.vx_contract_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the contract files in the format used since 2013, as text with its number
-- source: cdn.cboe.com/data/us/futures/market_statistics/historical_data/VX/VX_<expiry>.csv
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    line_no,
    line_text
from stored_lines('vx_contract')
