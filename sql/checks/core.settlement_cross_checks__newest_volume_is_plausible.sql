-- check: core.settlement_cross_checks__newest_volume_is_plausible
-- severity: warn
-- what: on the newest session volume is there and not far above that of the 21 sessions before, and the open interest of the contracts of both sessions did not jump
with
sessions as (
    select
        trade_date,
        sum(volume_contracts) as volume_contracts,
        ln(
            sum(open_interest_contracts) filter (interest_before_contracts > 0)
            / nullif(sum(interest_before_contracts) filter (open_interest_contracts is not null), 0)
        ) as interest_move_log
    from core.settlement_cross_checks
    group by trade_date
),

judged as (
    select
        *,
        case
            when count(volume_contracts) over before = 21 then median(volume_contracts) over before
        end as usual_contracts
    from sessions
    window before as (order by trade_date rows between 21 preceding and 1 preceding)
),

bounds as (
    select
        max(value) filter (parameter = 'cross_volume_log') as volume_log,
        max(value) filter (parameter = 'cross_interest_log') as interest_log
    from ref.parameters
)

select
    judged.trade_date, judged.volume_contracts, judged.usual_contracts,
    round(judged.interest_move_log, 4) as interest_move_log
from judged
cross join bounds
where judged.trade_date = (select max(trade_date) from mart.daily_term_structure)
    and (
        (judged.volume_contracts = 0 and judged.usual_contracts > 0)
        or judged.volume_contracts > judged.usual_contracts * exp(bounds.volume_log)
        or abs(judged.interest_move_log) > bounds.interest_log
    )
