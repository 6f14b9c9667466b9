-- model: raw.nyse_breadth_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the two files of NYSE counts, advances and declines, as text with its number
-- source: unicorn.us.com/advdec
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    line_no,
    line_text
from stored_lines('nyse_breadth')
