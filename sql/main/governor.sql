-- model: main.governor
-- grain: trade_date
-- reads: mart.daily_governor
-- what: the governor of each session and the guards that held, short name of mart.daily_governor
-- source: docs/policy.md
-- edge: its estimated results judge guards; the ledger has the money
select
    trade_date,
    governor_mode,
    guards_held,
    guard_clauses,
    trailing_pnl_frac,
    temporal_pnl_since_entry_frac,
    base_pnl_frac,
    temporal_pnl_frac,
    gains_rolled_frac,
    policy_hash
from mart.daily_governor
