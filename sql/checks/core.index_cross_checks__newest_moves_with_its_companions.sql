-- check: core.index_cross_checks__newest_moves_with_its_companions
-- severity: warn
-- what: on the newest session VIX, VIX9D, VIX3M, VIX6M, VVIX and SPX moved as their companions let expect, and the VIX as VX1 and VX2, within the bounds of cross_..._doubt
with
bounds as (
    select
        relations.index_code,
        relations.judged_by,
        least.value as least_log,
        of_move.value as of_move
    from (values
        ('VIX', 'VIX9D and VIX3M', 'cross_vix_doubt_log'),
        ('VIX', 'VX1 and VX2', 'cross_futures_doubt_log'),
        ('VIX9D', 'VIX', 'cross_vix9d_doubt_log'),
        ('VIX3M', 'VIX and VIX6M', 'cross_vix3m_doubt_log'),
        ('VIX6M', 'VIX3M', 'cross_vix6m_doubt_log'),
        ('VVIX', 'VIX', 'cross_vvix_doubt_log'),
        ('SPX', 'VIX', 'cross_spx_doubt_log')
    ) as relations (index_code, judged_by, parameter)
    join ref.parameters as least on least.parameter = relations.parameter
    join ref.parameters as of_move on of_move.parameter = 'cross_index_doubt_of_move'
)

select
    judged.trade_date, judged.index_code, judged.judged_by,
    round(judged.move_log, 4) as move_log, round(judged.expected_move_log, 4) as expected_move_log
from core.index_cross_checks as judged
join bounds on bounds.index_code = judged.index_code and bounds.judged_by = judged.judged_by
where judged.trade_date = (select max(trade_date) from mart.daily_term_structure)
    and abs(judged.move_gap_log) > bounds.least_log + bounds.of_move * judged.larger_move_log
order by abs(judged.move_gap_log) / bounds.least_log desc
