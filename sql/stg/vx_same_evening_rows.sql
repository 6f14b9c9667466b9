-- model: stg.vx_same_evening_rows
-- grain: file_name, line_no
-- reads: raw.vx_daily_settlement_lines, ref.vx_monthly_expiries, ref.sessions
-- what: every VX line of the same-evening settlement tables, judged
-- source: www.cboe.com settlement table; symbols VX/U6 (monthly), VX38/U6 (weekly); VXM and other products are not VX
-- edge: asked for an old date the server returns today's table, and before publication yesterday's: such a table, or one that repeats any of the ten before, is refused whole
with
lines as (
    select
        *,
        try_cast(regexp_extract(file_name, '(\d{4}-\d{2}-\d{2})', 1) as date) as trade_date,
        string_split(line_text, ',') as field
    from raw.vx_daily_settlement_lines
    where trim(line_text) <> '' and not starts_with(line_text, 'Product,')
),

typed as (
    select
        * exclude (field),
        trim(field[1]) as product,
        trim(field[2]) as symbol,
        try_cast(trim(field[3]) as date) as expiry_date,
        try_cast(trim(field[4]) as double) as settle_pts,
        len(field) as field_count
    from lines
),

vx as (
    select * from typed where product = 'VX'
),

tables as (
    select
        file_name,
        trade_date,
        min(expiry_date) as first_expiry,
        string_agg(symbol || '=' || settle_pts, ';' order by symbol) as content
    from vx
    group by file_name, trade_date
),

judged_tables as (
    select
        file_name,
        case
            when first_expiry < trade_date or first_expiry > trade_date + interval 35 day then 'table_of_another_day'
            when list_contains(
                list(content) over (order by trade_date rows between 10 preceding and 1 preceding), content
            ) then 'same_table_as_the_session_before'
        end as table_reason
    from tables
)

select
    vx.file_name,
    vx.file_sha256,
    vx.line_no,
    vx.line_text,
    vx.trade_date,
    vx.expiry_date,
    monthly.expiry_date is not null as is_monthly,
    vx.settle_pts,
    case
        when vx.field_count <> 4 then 'wrong_number_of_fields'
        when vx.trade_date is null then 'file_name_states_no_session'
        when vx.expiry_date is null then 'unreadable_expiry_date'
        when judged.table_reason is not null then judged.table_reason
        when session.session_date is null then 'not_a_futures_session'
        when vx.expiry_date < vx.trade_date then 'after_the_contracts_expiry'
        when vx.settle_pts is null or not isfinite(vx.settle_pts) then 'unreadable_number'
        when vx.settle_pts = 0 then 'settle_not_published'
        when vx.settle_pts not between 5 and 150 then 'settle_out_of_range'
        when count(*) over (partition by vx.file_name, vx.expiry_date) > 1 then 'conflicting_lines_for_one_day'
    end as reject_reason
from vx
left join judged_tables as judged on judged.file_name = vx.file_name
left join ref.vx_monthly_expiries as monthly on monthly.expiry_date = vx.expiry_date
left join ref.sessions as session on session.session_date = vx.trade_date and session.is_futures_session
