-- model: main.hedge_state
-- grain: trade_date, layer
-- reads: mart.daily_hedge_state
-- what: what each layer does after each session and why, short name of mart.daily_hedge_state
-- source: docs/policy.md
-- edge: decided on the close of the session, traded at the settlement of the next one
select
    trade_date,
    layer,
    state,
    step_count,
    target_vega_usd,
    target_contracts,
    reason,
    clauses,
    governor_mode,
    roll,
    held_rank,
    policy_hash,
    is_stale
from mart.daily_hedge_state
