-- model: main.transitions
-- grain: trade_date, transition_no
-- reads: mart.layer_transitions
-- what: every change of a layer's state with its reason, short name of mart.layer_transitions
-- source: docs/policy.md
-- edge: a layer that never changed has no row
select
    trade_date,
    transition_no,
    layer,
    from_state,
    to_state,
    reason,
    policy_hash
from mart.layer_transitions
