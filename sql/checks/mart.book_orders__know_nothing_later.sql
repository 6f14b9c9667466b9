-- check: mart.book_orders__know_nothing_later
-- severity: error
-- what: orders and layers of the book are of the newest session, and its exposure is of sessions up to it, one row a session since the account entered
with
newest as (
    select max(trade_date) as trade_date
    from mart.daily_term_structure
),

sessions as (
    select curve.trade_date
    from mart.daily_term_structure as curve
    cross join ref.book as book
    where curve.trade_date >= book.entered_date
)

select 'mart.book_orders' as table_name, trade_date
from mart.book_orders
where trade_date is distinct from (select trade_date from newest)
union all
select 'mart.book_layers', trade_date
from mart.book_layers
where trade_date is distinct from (select trade_date from newest)
union all
select 'mart.book_exposure', coalesce(exposure.trade_date, sessions.trade_date)
from mart.book_exposure as exposure
full join sessions on sessions.trade_date = exposure.trade_date
where exposure.trade_date is null or sessions.trade_date is null
order by all
