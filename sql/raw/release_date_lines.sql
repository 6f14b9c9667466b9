-- model: raw.release_date_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the user's own release dates, as text with its number
-- source: inputs/release_dates.csv of the home folder
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    line_no,
    line_text
from stored_lines('release_dates')
