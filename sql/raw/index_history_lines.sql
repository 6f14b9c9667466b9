-- model: raw.index_history_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the index histories, one file an index, as text with its number
-- source: cdn.cboe.com/api/global/us_indices/daily_prices/<CODE>_History.csv
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    line_no,
    line_text
from stored_lines('index_history')
