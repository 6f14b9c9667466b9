-- model: stg.monthly_valuation_rows
-- grain: file_name, line_no
-- reads: raw.shiller_lines, raw.shiller_workbook
-- what: every month of Shiller's data, from the public copy and from the user's own workbook, typed and judged
-- source: Robert Shiller's online data
-- edge: 0 means not published; is_month_complete tells the months that were over when the file was fetched, and of a workbook leaves out the newest, whose price is an estimate
with
csv_lines as (
    select *, string_split(line_text, ',') as field
    from raw.shiller_lines
    where trim(line_text) <> '' and not starts_with(line_text, 'Date,')
),

typed as (
    select
        file_name,
        file_sha256,
        line_no,
        line_text,
        'csv' as valuation_source,
        fetched_on,
        false as is_newest_of_workbook,
        try_cast(trim(field[1]) as date) as reference_date,
        -- blank is missing, text is not a number
        list_transform(
            [field[2], field[4], field[3], field[10]], lambda text: try_cast(nullif(trim(text), '') as double)
        ) as figures,
        case
            when len(field) <> 10 then 'wrong_number_of_fields'
            when try_cast(trim(field[1]) as date) is null then 'unreadable_date'
            when len(list_filter(
                    [field[2], field[3], field[4], field[10]],
                    lambda text: trim(text) <> '' and not coalesce(isfinite(try_cast(trim(text) as double)), false)
                )) > 0
                then 'unreadable_number'
        end as unreadable
    from csv_lines
    union all by name
    select
        file_name,
        file_sha256,
        line_no,
        line_text,
        'workbook' as valuation_source,
        (fetched_at_utc at time zone 'UTC')::date + 1 as fetched_on,
        is_newest as is_newest_of_workbook,
        reference_date,
        [price_read, earnings_read, dividends_read, cape_read] as figures,
        null as unreadable
    from raw.shiller_workbook
    where is_current
),

judged as (
    select
        *,
        case
            when unreadable is not null then unreadable
            when reference_date <> date_trunc('month', reference_date) then 'not_the_first_day_of_a_month'
            when reference_date > fetched_on then 'after_the_day_it_was_fetched'
            -- a year's earnings can be a loss, the rest cannot be negative
            when least(figures[1], figures[3], figures[4]) < 0 then 'negative_value'
            when row_number() over (partition by file_name, reference_date, figures order by line_no) > 1
                then 'duplicate_of_an_earlier_line'
            when count(distinct figures) over (partition by file_name, reference_date) > 1
                then 'conflicting_lines_for_one_month'
        end as reject_reason
    from typed
)

select
    file_name,
    file_sha256,
    line_no,
    line_text,
    valuation_source,
    reference_date,
    nullif(figures[1], 0) as sp500_mean_pts,
    nullif(figures[2], 0) as earnings_ttm_pts,
    nullif(figures[3], 0) as dividends_ttm_pts,
    nullif(figures[4], 0) as cape_ratio,
    reference_date + interval 1 month < fetched_on and not is_newest_of_workbook as is_month_complete,
    reject_reason
from judged
