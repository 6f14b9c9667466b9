-- macro: states_on(day)
-- gives: table
-- reads: mart.daily_hedge_state, mart.daily_governor
-- what: what each layer does after one session, with its reason, the governor and the guards that held
-- source: docs/policy.md
-- edge: a day that is no session has no rows
-- example: select layer, state, step_count, reason, governor_mode from states_on('2026-01-16')
select
    decided.trade_date,
    decided.layer,
    decided.state,
    decided.step_count,
    decided.target_vega_usd,
    decided.target_contracts,
    decided.reason,
    governor.governor_mode,
    governor.guards_held,
    decided.is_stale,
    decided.policy_hash
from mart.daily_hedge_state as decided
left join mart.daily_governor as governor on governor.trade_date = decided.trade_date
where decided.trade_date = day::date
order by decided.layer
