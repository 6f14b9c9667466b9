-- check: mart.daily_term_structure__is_not_late
-- severity: warn
-- what: the newest session is the one that is due by the calendar (11:30 New York of the day after it)
select max(curve.trade_date) as trade_date, any_value(run.due_session) as due_session
from mart.daily_term_structure as curve
cross join ref.run as run
having max(curve.trade_date) < any_value(run.due_session)
