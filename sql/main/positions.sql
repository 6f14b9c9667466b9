-- model: main.positions
-- grain: trade_date, layer, instrument
-- reads: mart.daily_positions
-- what: what each layer of the model account wants, holds and has on order, short name of mart.daily_positions
-- source: docs/ledger.md
-- edge: an instrument that a layer neither wants nor holds has no row
select
    trade_date,
    layer,
    instrument,
    target_contracts,
    wanted_contracts,
    held_contracts,
    order_contracts,
    mark_pts,
    mark_low_pts,
    mark_high_pts,
    vega_usd,
    delta_usd,
    is_model_priced,
    reason
from mart.daily_positions
