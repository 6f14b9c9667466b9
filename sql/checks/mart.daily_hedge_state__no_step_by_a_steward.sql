-- check: mart.daily_hedge_state__no_step_by_a_steward
-- severity: error
-- what: the temporal layer takes a step only as a promoter, and one a session, unless the policy changed
select trade_date, step_count, step_count_before, governor_mode
from (
    select
        trade_date,
        step_count,
        governor_mode,
        policy_hash,
        lag(step_count, 1, 0) over by_day as step_count_before,
        lag(policy_hash, 1, policy_hash) over by_day as policy_hash_before
    from mart.daily_hedge_state
    where layer = 'temporal_vega'
    window by_day as (order by trade_date)
)
where policy_hash = policy_hash_before
    and step_count > step_count_before
    and (governor_mode <> 'promoter' or step_count > step_count_before + 1)
order by 1 desc
