-- model: core.sector_valuations
-- grain: sector, reference_date, known_date
-- reads: stg.sector_valuation_rows
-- what: price to cash flow of sectors as the user states it, one row a sector, reference date and day from which it was known
-- source: inputs/sector_price_cash_flow.csv of the home folder
-- edge: empty without the user's file; a session uses the newest reference date whose known_date is not after it
select
    sector,
    reference_date,
    known_date,
    price_to_cash_flow_ratio
from stg.sector_valuation_rows
where reject_reason is null
order by sector, reference_date, known_date
