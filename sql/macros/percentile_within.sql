-- macro: percentile_within(measure, day, sessions)
-- gives: value
-- reads:
-- what: share of the last so many rows, this one included, whose measure is at or below this one's, from 0 to 1
-- source: docs/methodology.md, percentiles
-- edge: one row a day, as percentile_of; NULL until so many rows are there, and where one of them has no measure
-- example: select trade_date, percentile_within(contango_frac, trade_date, 252) as year_pctile from term_structure order by trade_date desc limit 3
case
    when count(measure) over (order by day rows sessions - 1 preceding) = sessions
        then cume_dist(order by measure) over (order by day rows sessions - 1 preceding)
end
