-- check: core.vx_final_settlements__newest_is_near_the_vix
-- severity: warn
-- what: a contract that settled finally on the newest session did so near the VIX's first quote of that morning (cross_final_log)
select
    settled.trade_date, settled.contract_code, settled.settle_pts, vix.open_pts as vix_open_pts
from core.daily_vx_settlements as settled
join core.daily_index_levels as vix on vix.trade_date = settled.trade_date and vix.index_code = 'VIX'
where settled.is_final_settlement
    and not settled.is_doubtful
    and settled.trade_date = (select max(trade_date) from mart.daily_term_structure)
    and vix.open_pts > 0
    and abs(ln(settled.settle_pts / vix.open_pts)) > (
        select value from ref.parameters where parameter = 'cross_final_log'
    )
