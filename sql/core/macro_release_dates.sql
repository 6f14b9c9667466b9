-- model: core.macro_release_dates
-- grain: series_id, reference_date
-- reads: ref.release_dates, stg.release_dates
-- what: when each period of a monthly or quarterly series was first released: the user's date, else the shipped one, else a day by which it was certainly out
-- source: inputs/release_dates.csv of the home folder; transforms/events/release_dates.toml and its rule
-- edge: a period for which nothing was published has no row
with
user_dates as (
    select series_id, reference_date, release_date
    from stg.release_dates
    where reject_reason is null
)

select
    coalesce(given.series_id, shipped.series_id) as series_id,
    coalesce(given.reference_date, shipped.reference_date) as reference_date,
    coalesce(given.release_date, shipped.release_date) as release_date,
    case when given.release_date is not null then 'user' else shipped.release_basis end as release_basis,
    coalesce(shipped.is_shutdown_release, false) as is_shutdown_release
from ref.release_dates as shipped
full join user_dates as given
    on given.series_id = shipped.series_id and given.reference_date = shipped.reference_date
where coalesce(given.release_date, shipped.release_date) is not null
order by series_id, reference_date
