-- check: core.daily_index_levels__newest_is_not_the_session_before_again
-- severity: warn
-- what: no index with four prices repeats on the newest session all four of one of the five sessions before
with
rows_back as (
    select *, row_number() over (partition by index_code order by trade_date desc) as rows_back
    from core.daily_index_levels
    where trade_date <= (select max(trade_date) from mart.daily_term_structure)
)

select newest.trade_date, newest.index_code, newest.close_pts, earlier.trade_date as same_as_date
from rows_back as newest
join rows_back as earlier
    on earlier.index_code = newest.index_code
    and earlier.rows_back between 2 and 6
    and earlier.open_pts = newest.open_pts
    and earlier.high_pts = newest.high_pts
    and earlier.low_pts = newest.low_pts
    and earlier.close_pts = newest.close_pts
where newest.rows_back = 1
    and newest.high_pts > newest.low_pts
    and newest.trade_date = (select max(trade_date) from mart.daily_term_structure)
order by newest.index_code
