-- model: core.daily_vx_listings
-- grain: trade_date, expiry_date
-- reads: stg.vx_listed_contracts, stg.vx_settlements, stg.vx_same_evening_rows, ref.sessions
-- what: the monthly contracts listed on each session, numbered by expiry, whether or not they have a settlement that day
-- source: ours: a contract is listed from its first settlement to the session before its expiry
-- edge: on its final settlement date a contract has settled at the open, so the curve of that session starts with the next one
with
settled_sessions as (
    select trade_date from stg.vx_settlements
    union
    select trade_date from stg.vx_same_evening_rows where reject_reason is null
)

select
    session.trade_date,
    listed.expiry_date,
    row_number() over (partition by session.trade_date order by listed.expiry_date) as tenor_rank,
    listed.expiry_date - session.trade_date as calendar_days_to_expiry,
    expiry_day.futures_session_count - trade_day.futures_session_count as trading_days_to_expiry
from settled_sessions as session
join stg.vx_listed_contracts as listed
    on listed.is_monthly
    and listed.first_settle_date <= session.trade_date
    and listed.expiry_date > session.trade_date
left join ref.sessions as trade_day on trade_day.session_date = session.trade_date
left join ref.sessions as expiry_day on expiry_day.session_date = listed.expiry_date
