-- check: mart.daily_positions__base_is_within_its_band
-- severity: error
-- what: when the base hedge is sized, its contracts are at most the upper end of the policy's band, and within half a contract of the size before rounding unless that limit is in the way
with
account as (
    select value as nav_usd
    from ref.parameters
    where parameter = 'model_nav_usd'
),

limits as (
    select policy_hash, max(value) filter (parameter = 'base_notional_highest_frac') as highest_frac
    from ref.policy_parameters
    group by policy_hash
),

sized as (
    select
        position.trade_date,
        position.instrument,
        position.target_contracts,
        position.wanted_contracts,
        abs(position.target_contracts) * position.mark_pts
        * case when starts_with(position.instrument, 'VXM ') then 100 else 1000 end as notional_usd,
        limits.highest_frac * account.nav_usd as highest_usd
    from mart.daily_positions as position
    join mart.daily_hedge_state as state
        on state.trade_date = position.trade_date and state.layer = position.layer
    join limits on limits.policy_hash = state.policy_hash
    cross join account
    where position.layer = 'base'
        and position.target_contracts <> 0
        and not starts_with(position.reason, 'held')
        and not contains(position.reason, 'as before')
        and not starts_with(position.reason, 'blocked')
        and starts_with(position.instrument, 'VX')
        and limits.highest_frac is not null
)

select trade_date, instrument, target_contracts, wanted_contracts, notional_usd, highest_usd
from sized
where notional_usd > highest_usd * (1 + 1e-9)
    or abs(target_contracts) > abs(wanted_contracts) + 0.5 + 1e-9
order by trade_date desc
