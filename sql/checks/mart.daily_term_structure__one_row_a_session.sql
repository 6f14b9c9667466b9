-- check: mart.daily_term_structure__one_row_a_session
-- severity: warn
-- what: every futures session between the first and the newest has a row
select session.session_date as missing_session
from ref.sessions as session
left join mart.daily_term_structure as curve on curve.trade_date = session.session_date
where session.is_futures_session
    and curve.trade_date is null
    and session.session_date between
    (select min(trade_date) from mart.daily_term_structure) and (select max(trade_date) from mart.daily_term_structure)
order by 1 desc
