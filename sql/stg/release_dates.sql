-- model: stg.release_dates
-- grain: file_name, line_no
-- reads: raw.release_date_lines, ref.macro_series
-- what: every data line of the user's own release dates, typed and judged
-- source: inputs/release_dates.csv of the home folder
-- edge: two dates for one period are both rejected: neither is better than the shipped or estimated date
with
lines as (
    select
        *,
        list_transform(string_split(line_text, ','), lambda field: trim(field)) as field
    from raw.release_date_lines
    where trim(line_text) <> '' and not starts_with(line_text, 'series_id,')
),

typed as (
    select
        *,
        field[1] as series_id,
        try_cast(field[2] as date) as reference_date,
        try_cast(field[3] as date) as release_date
    from lines
)

select
    typed.file_name,
    typed.file_sha256,
    typed.line_no,
    typed.line_text,
    typed.series_id,
    typed.reference_date,
    typed.release_date,
    case
        when len(typed.field) <> 3 then 'wrong_number_of_fields'
        when known.series_id is null then 'unknown_series'
        when typed.reference_date is null or typed.release_date is null then 'unreadable_date'
        when typed.reference_date <> date_trunc('month', typed.reference_date) then 'not_the_first_day_of_a_period'
        when typed.release_date <= typed.reference_date then 'released_before_its_period_began'
        when row_number() over (partition by typed.field order by typed.line_no) > 1
            then 'duplicate_of_an_earlier_line'
        when count(distinct typed.field) over (partition by typed.field[1:2]) > 1
            then 'conflicting_lines_for_one_period'
    end as reject_reason
from typed
left join ref.macro_series as known on known.series_id = typed.series_id and known.frequency <> 'daily'
