-- macro: zscore_before(measure, day, sessions)
-- gives: value
-- reads:
-- what: distance of this row's measure from the mean of the so many rows before it, in their standard deviations (n - 1); this row is not among them
-- source: docs/methodology.md, asking the warehouse; the same window as rv_excursion_z
-- edge: one row a day, as percentile_of; NULL until so many rows lie before, where one of them has no measure, and where they do not differ
-- example: select trade_date, zscore_before(contango_frac, trade_date, 252) as contango_z from term_structure order by trade_date desc limit 3
case
    when count(measure) over (order by day rows between sessions preceding and 1 preceding) = sessions
        then (measure - avg(measure) over (order by day rows between sessions preceding and 1 preceding))
            / nullif(stddev_samp(measure) over (order by day rows between sessions preceding and 1 preceding), 0)
end
