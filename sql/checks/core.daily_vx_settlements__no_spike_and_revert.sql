-- check: core.daily_vx_settlements__no_spike_and_revert
-- severity: warn
-- what: no unflagged settlement jumps by more than 40% and jumps back the next session
with
neighbours as (
    select
        trade_date, expiry_date, contract_code, settle_pts, is_doubtful, is_final_settlement,
        lag(settle_pts) over by_contract as settle_before_pts,
        lead(settle_pts) over by_contract as settle_after_pts
    from core.daily_vx_settlements
    window by_contract as (partition by expiry_date order by trade_date)
)

select trade_date, contract_code, settle_before_pts, settle_pts, settle_after_pts
from neighbours
where not is_doubtful
    and not is_final_settlement
    and abs(ln(settle_pts / settle_before_pts)) > 0.4
    and abs(ln(settle_after_pts / settle_pts)) > 0.4
    and (settle_pts - settle_before_pts) * (settle_after_pts - settle_pts) < 0
order by trade_date desc, contract_code
