-- model: main.ledger
-- grain: trade_date, layer
-- reads: mart.daily_hedge_ledger
-- what: every dollar of every layer in pieces that add up, short name of mart.daily_hedge_ledger
-- source: docs/ledger.md
-- edge: portfolio is the sum of the layers: never add it to them
select
    trade_date,
    layer,
    pnl_usd,
    roll_usd,
    curve_usd,
    theta_usd,
    option_move_usd,
    cost_usd,
    interest_usd,
    cost_at_mid_usd,
    cost_at_full_usd,
    unsplit_usd,
    credit_received_usd,
    credit_kept_usd,
    protection_cost_usd,
    gains_rolled_usd,
    short_open_usd,
    margin_usd,
    pnl_cum_usd,
    credit_received_cum_usd,
    credit_kept_cum_usd,
    protection_cost_cum_usd,
    self_funding_ratio_1m,
    self_funding_ratio_12m,
    self_funding_ratio_episode,
    self_funding_ratio_all,
    unmarked_count,
    is_interest_known
from mart.daily_hedge_ledger
