-- check: mart.daily_positions__trades_lead_to_what_is_held
-- severity: error
-- what: what is held in an instrument is the sum of its trades and settlements to that session, and every trade has a position of its session
with
counted as (
    select
        coalesce(position.trade_date, trade.trade_date) as trade_date,
        coalesce(position.layer, trade.layer) as layer,
        coalesce(position.instrument, trade.instrument) as instrument,
        position.held_contracts,
        sum(coalesce(trade.traded_contracts, 0)) over (
            partition by coalesce(position.layer, trade.layer), coalesce(position.instrument, trade.instrument)
            order by coalesce(position.trade_date, trade.trade_date)
        ) as traded_to_date
    from mart.daily_positions as position
    full join mart.hedge_trades as trade
        on trade.trade_date = position.trade_date
        and trade.layer = position.layer
        and trade.instrument = position.instrument
)

select trade_date, layer, instrument, held_contracts, traded_to_date
from counted
where held_contracts is distinct from traded_to_date
order by trade_date desc
