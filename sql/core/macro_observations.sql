-- model: core.macro_observations
-- grain: series_id, reference_date, known_date
-- reads: stg.fred_observations, stg.fred_vintages, core.macro_release_dates, ref.macro_series, ref.nber_turning_points
-- what: every value a monthly or quarterly series has had, with the day from which it was known; the newest row known by a day is what was known then
-- source: FRED's graph files as stored night after night, and its vintages where the user gave a key; release dates from core.macro_release_dates
-- edge: a period never published has no row; a value withdrawn later has a row with NULL; a rebased series changes all its values on one day
with
series as (
    select series_id from ref.macro_series where frequency <> 'daily'
),

-- ---- what the vintages cover ----
coverage as (
    select
        series_id,
        min(realtime_start_date) as first_vintage_date,
        max(covered_to_date) as covered_to_date
    from stg.fred_vintages
    group by series_id
),

-- the first vintage of all holds everything published before it: it is a backfill like a first file
vintage_values as (
    select
        vintage.series_id,
        vintage.reference_date,
        vintage.realtime_start_date as seen_date,
        vintage.observed_value,
        vintage.realtime_start_date = coverage.first_vintage_date as is_backfill,
        'vintage' as seen_basis
    from stg.fred_vintages as vintage
    join coverage on coverage.series_id = vintage.series_id
),

-- a value that ended without a successor was withdrawn
vintage_withdrawals as (
    select
        vintage.series_id,
        vintage.reference_date,
        vintage.realtime_end_date + 1 as seen_date,
        null::double as observed_value,
        false as is_backfill,
        'vintage' as seen_basis
    from stg.fred_vintages as vintage
    anti join stg.fred_vintages as successor
        on successor.series_id = vintage.series_id
        and successor.reference_date = vintage.reference_date
        and successor.realtime_start_date = vintage.realtime_end_date + 1
    where vintage.realtime_end_date is not null
),

-- ---- what our own stored versions add: each version is a whole panel, the last one of a day counts ----
versions as (
    select
        observed.series_id,
        observed.file_sha256,
        observed.first_seen_date
    from stg.fred_observations as observed
    join series on series.series_id = observed.series_id
    left join coverage on coverage.series_id = observed.series_id
    where coverage.covered_to_date is null or observed.first_seen_date > coverage.covered_to_date
    group by observed.series_id, observed.file_sha256, observed.first_seen_date
    qualify row_number() over (
        partition by observed.series_id, observed.first_seen_date order by max(observed.version_no) desc
    ) = 1
),

panels as (
    select
        series_id,
        file_sha256,
        first_seen_date as seen_date,
        row_number() over (partition by series_id order by first_seen_date) as panel_no
    from versions
    union all by name
    -- the vintages' newest state is what the first version after them is compared with
    select series_id, null as file_sha256, covered_to_date as seen_date, 0 as panel_no
    from coverage
),

cells as (
    select
        panels.series_id,
        panels.panel_no,
        observed.observation_date as reference_date,
        observed.observed_value
    from panels
    join stg.fred_observations as observed
        on observed.series_id = panels.series_id and observed.file_sha256 = panels.file_sha256
    where observed.reject_reason is null
    union all by name
    select series_id, 0 as panel_no, reference_date, observed_value
    from stg.fred_vintages
    where realtime_end_date is null
),

periods as (
    select distinct series_id, reference_date from cells
),

panel_values as (
    select
        panels.series_id,
        panels.panel_no,
        panels.seen_date,
        periods.reference_date,
        cells.observed_value,
        lag(cells.observed_value) over by_period as value_before,
        panels.panel_no = min(panels.panel_no) over by_period as is_first_panel
    from panels
    join periods on periods.series_id = panels.series_id
    left join cells
        on cells.series_id = panels.series_id
        and cells.panel_no = panels.panel_no
        and cells.reference_date = periods.reference_date
    window by_period as (
        partition by periods.series_id, periods.reference_date order by panels.panel_no
    )
),

version_values as (
    select
        series_id,
        reference_date,
        seen_date,
        observed_value,
        is_first_panel as is_backfill,
        'first_seen' as seen_basis
    from panel_values
    where panel_no > 0 and (is_first_panel or observed_value is distinct from value_before)
),

seen as (
    select * from vintage_values
    union all by name
    select * from vintage_withdrawals
    union all by name
    select * from version_values
),

-- ---- when a backfilled value became known: on its release, and at the latest when it was seen ----
recession_calls as (
    select
        turning_month,
        announced_date,
        turning_point = 'peak' as starts_recession
    from ref.nber_turning_points
),

dated as (
    select
        seen.series_id,
        seen.reference_date,
        seen.observed_value,
        seen.seen_date,
        seen.seen_basis,
        seen.is_backfill,
        -- A month is called recession or expansion with the announcement of the turning point before it, and
        -- printed when it is over; a call that the shipped table does not have is known when it was seen.
        case
            when seen.series_id <> 'USREC' or call.turning_month is null then release.release_date
            when (seen.observed_value = 1) = call.starts_recession
                then greatest(last_day(seen.reference_date) + 1, call.announced_date)
        end as release_date,
        case
            when seen.series_id = 'USREC' and call.turning_month is not null then 'published'
            else release.release_basis
        end as release_basis
    from seen
    left join core.macro_release_dates as release
        on release.series_id = seen.series_id and release.reference_date = seen.reference_date
    asof left join recession_calls as call on call.turning_month < seen.reference_date
),

known as (
    select
        series_id,
        reference_date,
        case when is_backfill then least(release_date, seen_date) else seen_date end as known_date,
        case
            when is_backfill and release_date <= seen_date
                then case release_basis when 'estimated' then 'estimated' else 'published' end
            else seen_basis
        end as known_basis,
        observed_value
    from dated
    where reference_date >= date '1985-01-01'
)

select
    series_id,
    reference_date,
    known_date,
    observed_value,
    known_basis,
    observed_value is not null
        and count(observed_value) over (
            partition by series_id, reference_date order by known_date rows unbounded preceding
        ) = 1 as is_first_release
from known
-- a blank that nothing was taken back for says nothing
qualify observed_value is not null or lag(observed_value) over (
    partition by series_id, reference_date order by known_date
) is not null
order by series_id, reference_date, known_date
