-- check: mart.daily_hedge_state__policy_is_on_record
-- severity: error
-- what: every row was decided by a policy that ref.policies lists, by the same one as the governor's, and not before its first session
select state.trade_date, state.layer, state.policy_hash
from mart.daily_hedge_state as state
left join ref.policies as policy on policy.policy_hash = state.policy_hash
left join mart.daily_governor as governor on governor.trade_date = state.trade_date
where policy.policy_hash is null
    or governor.policy_hash is distinct from state.policy_hash
    or state.trade_date < policy.effective_from
order by 1 desc, 2
