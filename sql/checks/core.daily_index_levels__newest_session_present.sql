-- check: core.daily_index_levels__newest_session_present
-- severity: warn
-- what: every index that the night expects has a level of the newest VX session
select newest.trade_date, indices.index_code, max(level.trade_date) as newest_level
from ref.indices
cross join (
    select max(curve.trade_date) as trade_date
    from mart.daily_term_structure as curve
    join ref.sessions as session on session.session_date = curve.trade_date and session.is_equity_session
) as newest
left join core.daily_index_levels as level
    on level.index_code = indices.index_code and level.trade_date <= newest.trade_date
where indices.requirement <> 'optional'
group by indices.index_code, newest.trade_date
having max(level.trade_date) is distinct from newest.trade_date
