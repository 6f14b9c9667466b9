-- check: mart.layer_transitions__lead_to_the_states
-- severity: error
-- what: each transition starts where the one before it ended, and the last one of a session ends in the layer's state
with
steps as (
    select
        trade_date,
        layer,
        transition_no,
        from_state,
        to_state,
        lag(to_state, 1, 'idle') over (partition by layer order by trade_date, transition_no) as state_before
    from mart.layer_transitions
),

states as (
    select
        trade_date,
        layer,
        state,
        lag(state, 1, 'idle') over (partition by layer order by trade_date) as state_before
    from mart.daily_hedge_state
),

ends as (
    select trade_date, layer, arg_max(to_state, transition_no) as state
    from mart.layer_transitions
    group by all
)

select trade_date, layer, state_before as expected, from_state as found
from steps
where from_state <> state_before
union all
select states.trade_date, states.layer, coalesce(ends.state, states.state_before) as expected, states.state as found
from states
left join ends on ends.trade_date = states.trade_date and ends.layer = states.layer
where states.state <> coalesce(ends.state, states.state_before)
order by 1 desc, 2
