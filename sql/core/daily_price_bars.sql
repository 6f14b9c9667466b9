-- model: core.daily_price_bars
-- grain: trade_date, symbol
-- reads: stg.price_bar_rows
-- what: one bar a session and symbol
-- source: Cboe's chart histories
-- edge: prices are as Cboe serves them today: adjusted for splits, so that a split restates the past, and not for dividends; sessions without a bar stay without one
select
    trade_date,
    symbol,
    open_usd,
    high_usd,
    low_usd,
    close_usd,
    volume_shares
from stg.price_bar_rows
where reject_reason is null
order by trade_date, symbol
