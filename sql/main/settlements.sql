-- model: main.settlements
-- grain: trade_date, expiry_date
-- reads: core.daily_vx_settlements
-- what: one settlement a session and contract, short name of core.daily_vx_settlements
-- source: Cboe Futures Exchange
-- edge: weeklies are in it and have no tenor_rank; settlements_as_of undoes what was revised later
select
    trade_date,
    expiry_date,
    contract_code,
    is_monthly,
    settle_pts,
    open_pts,
    high_pts,
    low_pts,
    close_pts,
    volume_contracts,
    open_interest_contracts,
    calendar_days_to_expiry,
    trading_days_to_expiry,
    tenor_rank,
    is_final_settlement,
    is_doubtful,
    settle_source
from core.daily_vx_settlements
