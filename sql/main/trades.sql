-- model: main.trades
-- grain: trade_date, layer, instrument
-- reads: mart.hedge_trades
-- what: every trade and settlement of the model account, short name of mart.hedge_trades
-- source: docs/ledger.md
-- edge: an order of session t is a trade of session t+1
select
    trade_date,
    layer,
    instrument,
    trade_kind,
    traded_contracts,
    trade_price_pts,
    trade_cost_usd,
    rolled_contracts,
    rolled_with,
    roll_yield_frac,
    is_model_priced,
    reason
from mart.hedge_trades
