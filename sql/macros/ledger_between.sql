-- macro: ledger_between(first_day, last_day)
-- gives: table
-- reads: mart.daily_hedge_ledger
-- what: the ledger of a period by layer, in pieces that add up, both days included; portfolio is the sum of the layers
-- source: docs/ledger.md
-- edge: a period without a session has no rows; protection that could not be marked is counted in unmarked_count
-- example: select layer, pnl_usd, roll_usd, curve_usd, cost_usd from ledger_between('2025-01-01', '2025-12-31') order by layer
select
    layer,
    min(trade_date) as first_date,
    max(trade_date) as last_date,
    count(*) as sessions,
    round(sum(pnl_usd), 2) as pnl_usd,
    round(sum(roll_usd), 2) as roll_usd,
    round(sum(curve_usd), 2) as curve_usd,
    round(sum(theta_usd), 2) as theta_usd,
    round(sum(option_move_usd), 2) as option_move_usd,
    round(sum(cost_usd), 2) as cost_usd,
    round(sum(interest_usd), 2) as interest_usd,
    round(sum(credit_kept_usd), 2) as credit_kept_usd,
    round(sum(protection_cost_usd), 2) as protection_cost_usd,
    sum(unmarked_count)::bigint as unmarked_count
from mart.daily_hedge_ledger
where trade_date between first_day::date and last_day::date
group by layer
order by layer
