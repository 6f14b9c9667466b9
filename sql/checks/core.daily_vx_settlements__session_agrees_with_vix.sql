-- check: core.daily_vx_settlements__session_agrees_with_vix
-- severity: error
-- what: the middle of a session's curve lies between 0.35 and 2.3 times the VIX close (seen since 2004: 0.43 to 1.79)
with
levels as (
    select trade_date, median(settle_pts) as median_settle_pts
    from core.daily_vx_settlements
    where is_monthly and not is_final_settlement
    group by trade_date
)

select levels.trade_date, levels.median_settle_pts, vix.close_pts as vix_close_pts
from levels
join core.daily_index_levels as vix on vix.trade_date = levels.trade_date and vix.index_code = 'VIX'
where levels.median_settle_pts / vix.close_pts not between 0.35 and 2.3
