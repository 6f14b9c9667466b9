-- check: mart.book_orders__leave_no_short_call_alone
-- severity: error
-- what: after the orders for the account of the book no expiry in which options are traded has more VIX calls sold than bought, which would have no largest loss
select
    trade_date,
    split_part(instrument, ' ', 2) as expiry_date,
    sum(held_contracts + order_contracts) as net_calls
from mart.book_orders
where starts_with(instrument, 'VIX ') and split_part(instrument, ' ', 3) = 'C'
group by trade_date, split_part(instrument, ' ', 2)
having sum(held_contracts + order_contracts) < 0 and bool_or(order_contracts <> 0)
order by all
