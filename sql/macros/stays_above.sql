-- macro: stays_above(level_pts)
-- gives: table
-- reads: mart.daily_term_structure
-- what: every run of VIX closes at or above a level: from, to, sessions and the highest close
-- source: docs/audit.md, episodes
-- edge: a session without a VIX close neither ends a run nor counts; the newest run may not be over
-- example: select from_date, to_date, sessions, highest_vix_pts from stays_above(25) order by from_date desc limit 5
select
    min(trade_date) as from_date,
    max(trade_date) as to_date,
    count(*) as sessions,
    max(vix_close_pts) as highest_vix_pts
from (
    select
        trade_date,
        vix_close_pts,
        vix_close_pts >= level_pts as is_above,
        row_number() over (order by trade_date)
        - row_number() over (partition by vix_close_pts >= level_pts order by trade_date) as run_no
    from mart.daily_term_structure
    where vix_close_pts is not null
)
where is_above
group by run_no
order by from_date
