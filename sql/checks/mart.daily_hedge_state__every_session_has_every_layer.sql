-- check: mart.daily_hedge_state__every_session_has_every_layer
-- severity: error
-- what: every session of the signals has a governor and one row for each of the three layers, and no other row is there
select
    coalesce(session.trade_date, found.trade_date) as trade_date,
    coalesce(layer.layer, found.layer) as layer
from mart.daily_signals as session
cross join (values ('base'), ('temporal_vega'), ('second_engine'), ('governor')) as layer (layer)
full join (
    select trade_date, layer from mart.daily_hedge_state
    union all
    select trade_date, 'governor' as layer from mart.daily_governor
) as found
    on found.trade_date = session.trade_date and found.layer = layer.layer
group by all
having count(found.trade_date) <> 1 or count(session.trade_date) <> 1
order by 1 desc
