-- model: stg.sector_valuation_rows
-- grain: file_name, line_no
-- reads: raw.sector_lines
-- what: every data line of the user's sector valuations, typed and judged
-- source: inputs/sector_price_cash_flow.csv of the home folder
-- edge: a later line for the same sector and reference date with a later known date is a revision, and both stay; a ratio of a negative cash flow values nothing and is rejected
with
lines as (
    select
        *,
        list_transform(string_split(line_text, ','), lambda field: trim(trim(field), '"')) as field
    from raw.sector_lines
    where trim(line_text) <> '' and not starts_with(line_text, 'reference_date,')
),

typed as (
    select
        *,
        try_cast(field[1] as date) as reference_date,
        try_cast(field[2] as date) as known_date,
        nullif(trim(field[3]), '') as sector,
        try_cast(field[4] as double) as price_to_cash_flow_ratio
    from lines
)

select
    file_name,
    file_sha256,
    line_no,
    line_text,
    reference_date,
    known_date,
    sector,
    case when isfinite(price_to_cash_flow_ratio) then price_to_cash_flow_ratio end as price_to_cash_flow_ratio,
    case
        when len(field) <> 4 then 'wrong_number_of_fields'
        when reference_date is null or known_date is null then 'unreadable_date'
        when sector is null then 'sector_not_named'
        when price_to_cash_flow_ratio is null or not isfinite(price_to_cash_flow_ratio) then 'unreadable_number'
        when known_date < reference_date then 'known_before_its_reference_date'
        when known_date > fetched_on then 'known_after_the_day_it_was_fetched'
        when price_to_cash_flow_ratio <= 0 then 'ratio_not_positive'
        when row_number() over (
                partition by file_name, sector, reference_date, known_date, price_to_cash_flow_ratio order by line_no
            ) > 1
            then 'duplicate_of_an_earlier_line'
        when count(distinct price_to_cash_flow_ratio) over (partition by file_name, sector, reference_date, known_date) > 1
            then 'conflicting_lines_for_one_day'
    end as reject_reason
from typed
