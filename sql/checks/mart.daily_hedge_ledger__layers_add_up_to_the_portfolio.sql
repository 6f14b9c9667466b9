-- check: mart.daily_hedge_ledger__layers_add_up_to_the_portfolio
-- severity: error
-- what: every session has one row for each layer and for the portfolio, and the layers' amounts are its own, in whole cents
select
    trade_date,
    count(*) as rows,
    sum(round(pnl_usd * 100)::bigint) filter (layer <> 'portfolio') as layers,
    sum(round(pnl_usd * 100)::bigint) filter (layer = 'portfolio') as portfolio
from mart.daily_hedge_ledger
group by trade_date
having
    count(distinct layer) <> 4
    or count(*) <> 4
    or sum(round(pnl_usd * 100)::bigint) filter (layer <> 'portfolio')
    <> sum(round(pnl_usd * 100)::bigint) filter (layer = 'portfolio')
    or sum(round(cost_usd * 100)::bigint) filter (layer <> 'portfolio')
    <> sum(round(cost_usd * 100)::bigint) filter (layer = 'portfolio')
    or sum(round(credit_kept_usd * 100)::bigint) filter (layer <> 'portfolio')
    <> sum(round(credit_kept_usd * 100)::bigint) filter (layer = 'portfolio')
    or sum(round(protection_cost_usd * 100)::bigint) filter (layer <> 'portfolio')
    <> sum(round(protection_cost_usd * 100)::bigint) filter (layer = 'portfolio')
order by trade_date desc
