-- model: core.daily_policy_rates
-- grain: observation_date
-- reads: stg.fred_observations
-- what: effective federal funds rate of each calendar day
-- source: FRED series DFF
-- edge: days off carry the rate of the day before: so the Federal Reserve publishes them
select
    observation_date,
    observed_value / 100 as policy_rate_frac
from stg.fred_observations
where series_id = 'DFF' and reject_reason is null and observed_value is not null
order by observation_date
