-- model: raw.fred_series_lines
-- grain: file_name, file_sha256, line_no
-- reads: raw.stored_files
-- what: every line of the FRED series, one file a series, as text with its number; of a series that is revised, every stored version
-- source: fred.stlouisfed.org/graph/fredgraph.csv?id=<ID>
-- edge: a view, read once by its stg model and gone before publishing; no line is dropped here
select
    file_name,
    file_sha256,
    fetched_on,
    first_seen_date,
    version_no,
    is_current,
    line_no,
    line_text
from stored_lines('fred_series')
