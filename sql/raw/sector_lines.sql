-- model: raw.sector_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the user's file of sector valuations, as text with its number
-- source: inputs/sector_price_cash_flow.csv of the home folder
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    line_no,
    line_text
from stored_lines('sector_price_cash_flow')
