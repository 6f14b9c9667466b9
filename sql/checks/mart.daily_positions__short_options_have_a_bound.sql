-- check: mart.daily_positions__short_options_have_a_bound
-- severity: error
-- what: in every expiry at least as many VIX calls are held as are sold, so that the loss of the short ones is bounded at their own settlement
select
    trade_date,
    layer,
    split_part(instrument, ' ', 2) as expiry_date,
    sum(held_contracts) as net_calls
from mart.daily_positions
where starts_with(instrument, 'VIX ') and split_part(instrument, ' ', 3) = 'C'
group by trade_date, layer, split_part(instrument, ' ', 2)
having sum(held_contracts) < 0
order by trade_date desc
