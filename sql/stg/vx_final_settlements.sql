-- model: stg.vx_final_settlements
-- grain: file_name, line_no
-- reads: raw.vx_final_settlement_lines, ref.vx_monthly_expiries
-- what: the exchange's final settlement values (VRO), typed and judged
-- source: cdn.cboe.com/api/global/us_indices/daily_prices/VRO_History.csv
-- edge: lacks 2013-05-22; rows of 2015-2020 on days that are no settlement date are no error, they settle weekly options
with
lines as (
    select *, string_split(line_text, ',') as field
    from raw.vx_final_settlement_lines
    where trim(line_text) <> '' and not starts_with(line_text, 'DATE,')
)

select
    file_name,
    file_sha256,
    line_no,
    line_text,
    try_strptime(trim(field[1]), '%m/%d/%Y')::date as expiry_date,
    monthly.expiry_date is not null as is_monthly,
    try_cast(trim(field[len(field)]) as double) as final_settle_pts,
    case
        when len(field) not in (2, 5) then 'wrong_number_of_fields'
        when try_strptime(trim(field[1]), '%m/%d/%Y') is null then 'unreadable_date'
        when try_cast(trim(field[len(field)]) as double) is null then 'unreadable_number'
        when try_cast(trim(field[len(field)]) as double) not between 5 and 150 then 'settle_out_of_range'
    end as reject_reason
from lines
left join ref.vx_monthly_expiries as monthly
    on monthly.expiry_date = try_strptime(trim(field[1]), '%m/%d/%Y')::date
