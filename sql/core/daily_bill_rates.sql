-- model: core.daily_bill_rates
-- grain: observation_date
-- reads: stg.fred_observations
-- what: discount rate of the 91-day US Treasury bill, secondary market
-- source: FRED series DTB3
-- edge: holidays have no row; rates of 0 (2008-12-10) and below 0 (2020-03-25) are real
select
    observation_date,
    observed_value / 100 as bill_discount_rate_frac
from stg.fred_observations
where series_id = 'DTB3' and reject_reason is null and observed_value is not null
order by observation_date
