-- model: core.daily_vx_settlements
-- grain: trade_date, expiry_date
-- reads: stg.vx_settlements, stg.vx_same_evening_rows, core.daily_vx_listings, ref.sessions
-- what: one settlement a session and contract, monthlies and weeklies
-- source: contract file since 2013, else archive file, else the same-evening table (settle_source says which)
-- edge: tenor_rank counts listed monthlies that expire after the session, so a missing settle leaves a hole and never moves a later month forward
with
candidates as (
    select
        trade_date, expiry_date, is_monthly, settle_pts, open_pts, high_pts, low_pts, close_pts,
        volume_contracts, open_interest_contracts, doubt is not null as is_doubtful,
        case source_format when 'current' then 'contract_file' else 'archive_file' end as settle_source,
        case source_format when 'current' then 1 else 2 end as source_order
    from stg.vx_settlements
    union all by name
    select
        trade_date, expiry_date, is_monthly, settle_pts,
        false as is_doubtful, 'same_evening_table' as settle_source, 3 as source_order
    from stg.vx_same_evening_rows
    where reject_reason is null
),

best as (
    select *
    from candidates
    qualify row_number() over (partition by trade_date, expiry_date order by source_order) = 1
)

select
    best.trade_date,
    best.expiry_date,
    'VX' || case when best.is_monthly then '' else lpad(week(best.expiry_date)::varchar, 2, '0') end
    || substr('FGHJKMNQUVXZ', month(best.expiry_date)::integer, 1) || strftime(best.expiry_date, '%y') as contract_code,
    best.is_monthly,
    best.settle_pts,
    best.open_pts,
    best.high_pts,
    best.low_pts,
    best.close_pts,
    best.volume_contracts,
    best.open_interest_contracts,
    best.expiry_date - best.trade_date as calendar_days_to_expiry,
    expiry_day.futures_session_count - trade_day.futures_session_count as trading_days_to_expiry,
    listing.tenor_rank,
    best.trade_date = best.expiry_date as is_final_settlement,
    best.is_doubtful,
    best.settle_source
from best
left join core.daily_vx_listings as listing
    on listing.trade_date = best.trade_date and listing.expiry_date = best.expiry_date
left join ref.sessions as trade_day on trade_day.session_date = best.trade_date
left join ref.sessions as expiry_day on expiry_day.session_date = best.expiry_date
order by best.trade_date, best.expiry_date
