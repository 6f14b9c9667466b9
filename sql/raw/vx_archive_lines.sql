-- model: raw.vx_archive_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the contract files of the frozen 2004-2018 archive, as text with its number
-- source: cdn.cboe.com/resources/futures/archive/volume-and-price/CFE_<month code><yy>_VX.csv
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    line_no,
    line_text
from stored_lines('vx_archive')
