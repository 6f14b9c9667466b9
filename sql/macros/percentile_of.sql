-- macro: percentile_of(measure, day)
-- gives: value
-- reads:
-- what: share of the rows up to and including this one whose measure is at or below this one's, from 0 to 1; no later row enters
-- source: docs/methodology.md, percentiles
-- edge: one row a day: filter a layer or an index first, and a period last (qualify, or an outer query); NULL rows are passed over, whatever their number
-- example: select trade_date, vix_close_pts, percentile_of(vix_close_pts, trade_date) as vix_pctile from term_structure order by trade_date desc limit 3
case
    when measure is not null
        -- NULLs come last, so that cume_dist times the rows counts values at or below this one
        then cume_dist(order by measure nulls last) over (order by day rows unbounded preceding)
            * count(*) over (order by day rows unbounded preceding)
            / count(measure) over (order by day rows unbounded preceding)
end
