-- model: core.daily_fund_values
-- grain: trade_date, symbol
-- reads: stg.fund_nav_rows
-- what: net asset value, shares outstanding and net assets of volatility funds, one row a session and fund
-- source: ProShares
-- edge: NAV and shares are restated at every split, net assets are not: for levels over time use net_assets_usd, for returns NAV; sessions without a row stay without one
select
    trade_date,
    symbol,
    nav_usd,
    shares_outstanding,
    net_assets_usd
from stg.fund_nav_rows
where reject_reason is null
order by trade_date, symbol
