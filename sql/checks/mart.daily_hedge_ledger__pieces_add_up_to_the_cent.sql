-- check: mart.daily_hedge_ledger__pieces_add_up_to_the_cent
-- severity: error
-- what: on every row the six pieces are the result, and credits and costs tie to it, in whole cents
with
cents as (
    select
        trade_date,
        layer,
        round(pnl_usd * 100)::bigint as pnl,
        round(roll_usd * 100)::bigint + round(curve_usd * 100)::bigint + round(theta_usd * 100)::bigint
        + round(option_move_usd * 100)::bigint + round(cost_usd * 100)::bigint + round(interest_usd * 100)::bigint
            as pieces,
        round((pnl_usd - interest_usd) * 100)::bigint as traded,
        round(credit_kept_usd * 100)::bigint - round(protection_cost_usd * 100)::bigint
        + round((short_open_usd - lag(short_open_usd, 1, 0) over by_day) * 100)::bigint as tied
    from mart.daily_hedge_ledger
    window by_day as (partition by layer order by trade_date)
)

select trade_date, layer, pnl, pieces, traded, tied
from cents
where pnl <> pieces or traded <> tied
order by trade_date desc
