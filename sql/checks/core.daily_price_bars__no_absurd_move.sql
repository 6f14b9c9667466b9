-- check: core.daily_price_bars__no_absurd_move
-- severity: warn
-- what: no fund's close moves by more than 30 percent (log) between two bars: a split that the publisher has not restated
with
moves as (
    select
        trade_date, symbol, close_usd,
        lag(close_usd) over (partition by symbol order by trade_date) as close_before_usd
    from core.daily_price_bars
)

select trade_date, symbol, close_before_usd, close_usd
from moves
where abs(ln(close_usd / close_before_usd)) > 0.3
order by trade_date desc, symbol
