-- check: core.index_cross_checks__none_left_its_companions
-- severity: error
-- what: on the newest session neither VIX nor SPX, nor one restated tonight, moved further from its companions than half as far again as the furthest since 2004
with
bounds as (
    select
        relations.index_code,
        relations.judged_by,
        least.value as least_log,
        of_move.value as of_move
    from (values
        ('VIX', 'VIX9D and VIX3M', 'cross_vix_impossible_log'),
        ('VIX', 'VX1 and VX2', 'cross_vix_impossible_log'),
        ('SPX', 'VIX', 'cross_spx_impossible_log')
    ) as relations (index_code, judged_by, parameter)
    join ref.parameters as least on least.parameter = relations.parameter
    join ref.parameters as of_move on of_move.parameter = 'cross_impossible_of_move'
)

select
    judged.trade_date, judged.index_code, judged.judged_by,
    round(judged.move_log, 4) as move_log, round(judged.expected_move_log, 4) as expected_move_log
from core.index_cross_checks as judged
join bounds on bounds.index_code = judged.index_code and bounds.judged_by = judged.judged_by
where abs(judged.move_gap_log) > bounds.least_log + bounds.of_move * judged.larger_move_log
    and (
        judged.trade_date = (select max(trade_date) from mart.daily_term_structure)
        or exists (
            select 1
            from ops.value_revisions as revision
            where revision.detected_run_id = (select run_id from ref.run)
                and revision.table_name = 'core.daily_index_levels'
                and revision.column_name = 'close_pts'
                and revision.trade_date = judged.trade_date
                and revision.row_key = judged.index_code
        )
    )
order by abs(judged.move_gap_log) / bounds.least_log desc
