-- model: raw.fund_nav_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the funds' histories of net asset value, one file a fund, as text with its number
-- source: accounts.profunds.com/etfdata/ByFund
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    line_no,
    line_text
from stored_lines('fund_nav')
