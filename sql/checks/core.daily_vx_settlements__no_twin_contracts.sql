-- check: core.daily_vx_settlements__no_twin_contracts
-- severity: error
-- what: no two monthlies have the same settlement on each of 20 or more common sessions (a file with another contract's rows)
select
    one.expiry_date,
    other.expiry_date as other_expiry_date,
    count(*) as common_sessions
from core.daily_vx_settlements as one
join core.daily_vx_settlements as other
    on other.trade_date = one.trade_date and other.tenor_rank = one.tenor_rank + 1
group by all
having count(*) >= 20 and count_if(abs(one.settle_pts - other.settle_pts) > 1e-9) = 0
