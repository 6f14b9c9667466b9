-- model: stg.fred_vintages
-- grain: series_id, reference_date, realtime_start_date
-- reads: raw.fred_vintages
-- what: every value a macro series ever had, with the days on which it was the current one; only where the user gave a key
-- source: api.stlouisfed.org/fred/series/observations (ALFRED)
-- edge: realtime_end_date is NULL while a value is current; covered_to_date is the day up to which the answer can know anything
select
    file_name,
    file_sha256,
    regexp_replace(file_name, '_vintages\.json$', '') as series_id,
    reference_date,
    realtime_start_date,
    realtime_end_date,
    observed_value,
    (fetched_at_utc at time zone 'America/New_York')::date as covered_to_date
from raw.fred_vintages
where is_current
