-- check: mart.daily_governor__mode_agrees_with_guards
-- severity: error
-- what: the governor is a steward exactly when a guard is named, whenever a guard's clause holds or is not evaluable, and in the rows of every layer
select governor.trade_date, governor.governor_mode, governor.guards_held
from mart.daily_governor as governor
where (governor.governor_mode = 'steward') <> (governor.guards_held is not null)
    or (
        governor.governor_mode = 'promoter'
        and list_bool_or([
            coalesce(truth, 'null') <> 'false'
            for truth in json_extract_string(governor.guard_clauses, '$[*].truth')
        ])
    )
    or exists (
        select 1
        from mart.daily_hedge_state as state
        where state.trade_date = governor.trade_date and state.governor_mode <> governor.governor_mode
    )
order by 1 desc
