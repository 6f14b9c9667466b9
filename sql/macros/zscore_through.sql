-- macro: zscore_through(measure, day, sessions)
-- gives: value
-- reads:
-- what: distance of this row's measure from the mean of the last so many rows, in their standard deviations (n - 1); this row is the last of them
-- source: docs/methodology.md, asking the warehouse
-- edge: one row a day, as percentile_of; NULL until so many rows are there, where one of them has no measure, and where they do not differ; never beyond (n - 1) / sqrt(n)
-- example: select trade_date, zscore_through(contango_frac, trade_date, 252) as contango_z from term_structure order by trade_date desc limit 3
case
    when count(measure) over (order by day rows sessions - 1 preceding) = sessions
        then (measure - avg(measure) over (order by day rows sessions - 1 preceding))
            / nullif(stddev_samp(measure) over (order by day rows sessions - 1 preceding), 0)
end
