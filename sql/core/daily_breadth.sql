-- model: core.daily_breadth
-- grain: trade_date
-- reads: stg.nyse_breadth_rows, ref.sessions
-- what: NYSE issues that rose and fell, one row a session that has both counts
-- source: unicorn.us.com
-- edge: lines before the calendar's first equity session are good but left out, because holidays among them cannot be told; the counts end in February 2020; a session without a row is not carried
select
    line.trade_date,
    max(line.count_issues) filter (line.is_advances) as nyse_advances_issues,
    max(line.count_issues) filter (not line.is_advances) as nyse_declines_issues
from stg.nyse_breadth_rows as line
join ref.sessions as session on session.session_date = line.trade_date and session.is_equity_session
where line.reject_reason is null
group by line.trade_date
order by line.trade_date
