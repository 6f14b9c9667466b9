-- model: stg.fred_observations
-- grain: file_name, file_sha256, line_no
-- reads: raw.fred_series_lines
-- what: every data line of the FRED series, typed and judged; of a series that is revised, every stored version of the file
-- source: fred.stlouisfed.org/graph/fredgraph.csv
-- edge: a dot or a blank is a day without a value (a holiday), not an error; 0 and negative rates have happened
with
lines as (
    select
        *,
        regexp_replace(file_name, '\.csv$', '') as series_id,
        string_split(line_text, ',') as field
    from raw.fred_series_lines
    where trim(line_text) <> '' and not regexp_matches(line_text, '^(observation_date|DATE),')
)

select
    file_name,
    file_sha256,
    first_seen_date,
    version_no,
    is_current,
    line_no,
    line_text,
    series_id,
    try_cast(trim(field[1]) as date) as observation_date,
    try_cast(nullif(nullif(trim(field[2]), ''), '.') as double) as observed_value,
    case
        when len(field) <> 2 then 'wrong_number_of_fields'
        when try_cast(trim(field[1]) as date) is null then 'unreadable_date'
        when trim(field[2]) in ('', '.') then null
        when try_cast(trim(field[2]) as double) is null or not isfinite(try_cast(trim(field[2]) as double))
            then 'unreadable_number'
        when try_cast(trim(field[1]) as date) > fetched_on then 'after_the_day_it_was_fetched'
        when row_number() over (partition by file_sha256, file_name, line_text order by line_no) > 1
            then 'duplicate_of_an_earlier_line'
        when count(distinct line_text) over (partition by file_sha256, file_name, trim(field[1])) > 1
            then 'conflicting_lines_for_one_day'
    end as reject_reason
from lines
