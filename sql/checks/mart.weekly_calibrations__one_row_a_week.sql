-- check: mart.weekly_calibrations__one_row_a_week
-- severity: error
-- what: every week whose last session is in the curve has one calibration, and no session is the first of two
with
futures_sessions as (
    select session_date, lead(session_date) over (order by session_date) as next_date
    from ref.sessions
    where is_futures_session
),

finished_weeks as (
    select session.session_date as calibrated_on_date
    from futures_sessions as session
    join mart.daily_term_structure as curve on curve.trade_date = session.session_date
    where date_trunc('week', session.next_date) <> date_trunc('week', session.session_date)
)

select calibrated_on_date, 'weeks' as what, count(*) as rows_found
from mart.weekly_calibrations
group by calibrated_on_date
having count(*) > 1
union all
select used_from_date, 'first sessions' as what, count(*) as rows_found
from mart.weekly_calibrations
group by used_from_date
having count(*) > 1
union all
select week.calibrated_on_date, 'weeks' as what, 0 as rows_found
from finished_weeks as week
where week.calibrated_on_date not in (select calibrated_on_date from mart.weekly_calibrations)
order by 1 desc
