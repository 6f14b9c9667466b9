-- check: core.settlement_cross_checks__newest_moves_with_its_neighbours
-- severity: warn
-- what: on the newest session every monthly moved as its neighbours (VX1: as VX2 and the VIX) let expect, within the bounds of cross_..._doubt
with
bounds as (
    select place as curve_place,
        max(value) filter (parameter = 'cross_' || place || '_doubt_log') as least_log,
        max(value) filter (parameter = 'cross_' || place || '_doubt_of_move') as of_move
    from ref.parameters
    cross join (values ('front'), ('inner'), ('back')) as places (place)
    group by place
)

select
    judged.trade_date, judged.contract_code, judged.settle_pts, judged.settle_before_pts,
    round(judged.expected_move_log, 4) as expected_move_log, round(judged.move_gap_log, 4) as move_gap_log
from core.settlement_cross_checks as judged
join bounds on bounds.curve_place = judged.curve_place
where judged.trade_date = (select max(trade_date) from mart.daily_term_structure)
    and abs(judged.move_gap_log) > bounds.least_log + bounds.of_move * judged.curve_move_log
order by abs(judged.move_gap_log) desc
