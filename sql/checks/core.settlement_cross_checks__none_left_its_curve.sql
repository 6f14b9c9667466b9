-- check: core.settlement_cross_checks__none_left_its_curve
-- severity: error
-- what: no monthly of the newest session, and none restated tonight, moved further from its neighbours than one and a half times the furthest since 2004
with
bounds as (
    select
        places.place as curve_place,
        least.value as least_log,
        of_move.value as of_move
    from (values ('front'), ('inner'), ('back')) as places (place)
    join ref.parameters as least on least.parameter = 'cross_' || places.place || '_impossible_log'
    join ref.parameters as of_move on of_move.parameter = 'cross_impossible_of_move'
)

select
    judged.trade_date, judged.contract_code, judged.settle_pts, judged.settle_before_pts,
    round(judged.expected_move_log, 4) as expected_move_log, round(judged.move_gap_log, 4) as move_gap_log
from core.settlement_cross_checks as judged
join bounds on bounds.curve_place = judged.curve_place
where abs(judged.move_gap_log) > bounds.least_log + bounds.of_move * judged.curve_move_log
    and (
        judged.trade_date = (select max(trade_date) from mart.daily_term_structure)
        or exists (
            select 1
            from ops.value_revisions as revision
            where revision.detected_run_id = (select run_id from ref.run)
                and revision.table_name = 'core.daily_vx_settlements'
                and revision.column_name = 'settle_pts'
                and revision.trade_date = judged.trade_date
                and revision.row_key = judged.contract_code
        )
    )
order by abs(judged.move_gap_log) desc
