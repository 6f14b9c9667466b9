-- model: raw.shiller_lines
-- grain: file_name, line_no
-- reads: raw.stored_files
-- what: every line of the public copy of Shiller's monthly data, as text with its number
-- source: the s-and-p-500 data package of datasets on GitHub
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    line_no,
    line_text
from stored_lines('shiller_monthly')
