-- check: core.settlement_cross_checks__newest_lies_in_its_day
-- severity: warn
-- what: on the newest session VX1 to VX4 settle inside the day's high and low, and VX1 to VX7 near the last trade, as far as the rest of the curve does
with
bounds as (
    select
        max(value) filter (parameter = 'cross_range_log') as range_log,
        max(value) filter (parameter = 'cross_front_close_log') as front_close_log,
        max(value) filter (parameter = 'cross_inner_close_log') as inner_close_log
    from ref.parameters
)

select
    judged.trade_date, judged.contract_code, judged.settle_pts,
    round(judged.outside_range_log, 4) as outside_range_log, round(judged.close_gap_log, 4) as close_gap_log
from core.settlement_cross_checks as judged
cross join bounds
where judged.trade_date = (select max(trade_date) from mart.daily_term_structure)
    and (
        (judged.tenor_rank <= 4 and judged.outside_range_log > bounds.range_log)
        or (judged.tenor_rank = 1 and abs(judged.close_gap_log) > bounds.front_close_log)
        or (judged.tenor_rank between 2 and 7 and abs(judged.close_gap_log) > bounds.inner_close_log)
    )
order by greatest(judged.outside_range_log, abs(judged.close_gap_log)) desc nulls last
