-- macro: constant_maturity_on(day, days)
-- gives: table
-- reads:
-- what: constant_maturity at the close of one session
-- source: docs/methodology.md, curve
-- edge: a day that is no session has no row; NULL as constant_maturity
-- example: select constant_maturity_pts from constant_maturity_on('2026-01-16', 45)
select maturity.trade_date, maturity.constant_maturity_pts
from constant_maturity(days) as maturity
where maturity.trade_date = day::date
