-- model: mart.macro_price_readings
-- grain: series_id, known_date
-- reads: core.macro_observations, ref.parameters
-- what: the price indices (CPI, PPI) as they stood on each day on which something new about them became known: change over the year, first-published change over the month, and how it surprised
-- source: methodology section 13; the expectation is the mean of the last 12 first-published monthly changes known at the release (ours)
-- edge: a monthly change is first published once and is not revised; next to a month without a value it is NULL for good and does not count among the 12 or the 60
with
parameter as (
    select
        max(value) filter (parameter = 'surprise_expectation_changes') as expectation_changes,
        max(value) filter (parameter = 'surprise_history_releases') as history_releases
    from ref.parameters
),

observations as (
    select
        *,
        coalesce(
            lead(known_date) over (partition by series_id, reference_date order by known_date), date '9999-12-31'
        ) as superseded_date
    from core.macro_observations
    where series_id in ('CPIAUCSL', 'PPIACO')
),

-- ---- each month as it was first published, against the month before as it stood on that day ----
first_changes as (
    select
        release.series_id,
        release.reference_date,
        release.known_date,
        release.known_basis,
        release.observed_value / previous.observed_value - 1 as mom_frac
    from observations as release
    left join observations as previous
        on previous.series_id = release.series_id
        and previous.reference_date = (release.reference_date - interval 1 month)::date
        and previous.known_date <= release.known_date
        and previous.superseded_date > release.known_date
    where release.is_first_release
),

-- newest first: in one order, so that the same releases give the same last digit in every build
latest_changes as (
    select
        release.series_id,
        release.reference_date,
        parameter.expectation_changes,
        max_by(earlier.mom_frac, earlier.reference_date, parameter.expectation_changes::bigint) as mom_fracs
    from first_changes as release
    join first_changes as earlier
        on earlier.series_id = release.series_id
        and earlier.reference_date < release.reference_date
        and earlier.known_date <= release.known_date
    cross join parameter
    where earlier.mom_frac is not null
    group by release.series_id, release.reference_date, parameter.expectation_changes
),

expectations as (
    select series_id, reference_date, list_avg(mom_fracs) as expected_mom_frac
    from latest_changes
    where len(mom_fracs) = expectation_changes
),

surprises as (
    select
        change.*,
        expectation.expected_mom_frac,
        change.mom_frac - expectation.expected_mom_frac as surprise_frac
    from first_changes as change
    left join expectations as expectation
        on expectation.series_id = change.series_id and expectation.reference_date = change.reference_date
),

latest_surprises as (
    select
        release.series_id,
        release.reference_date,
        parameter.history_releases,
        max_by(earlier.surprise_frac, earlier.reference_date, parameter.history_releases::bigint) as surprise_fracs
    from surprises as release
    join surprises as earlier
        on earlier.series_id = release.series_id
        and earlier.reference_date < release.reference_date
        and earlier.known_date <= release.known_date
    cross join parameter
    where earlier.surprise_frac is not null
    group by release.series_id, release.reference_date, parameter.history_releases
),

spreads as (
    select series_id, reference_date, list_stddev_samp(surprise_fracs) as surprise_sd
    from latest_surprises
    where len(surprise_fracs) = history_releases
),

-- ---- the whole panel on each day on which it changed ----
panel_dates as (
    select distinct series_id, known_date from observations
),

newest_months as (
    select
        panel.series_id,
        panel.known_date,
        max(observation.reference_date) as reference_date,
        min(observation.reference_date) as first_reference_date
    from panel_dates as panel
    join observations as observation
        on observation.series_id = panel.series_id
        and observation.known_date <= panel.known_date
        and observation.superseded_date > panel.known_date
    where observation.observed_value is not null
    group by panel.series_id, panel.known_date
),

panels as (
    select
        newest.*,
        now_.observed_value / year_before.observed_value - 1 as yoy_frac
    from newest_months as newest
    join observations as now_
        on now_.series_id = newest.series_id
        and now_.reference_date = newest.reference_date
        and now_.known_date <= newest.known_date
        and now_.superseded_date > newest.known_date
    left join observations as year_before
        on year_before.series_id = newest.series_id
        and year_before.reference_date = (newest.reference_date - interval 12 months)::date
        and year_before.known_date <= newest.known_date
        and year_before.superseded_date > newest.known_date
),

measures as (
    select
        panel.*,
        surprise.known_date as released_date,
        surprise.known_basis,
        surprise.mom_frac,
        surprise.expected_mom_frac,
        surprise.surprise_frac,
        surprise.surprise_frac / nullif(spread.surprise_sd, 0) as surprise_z
    from panels as panel
    join surprises as surprise
        on surprise.series_id = panel.series_id and surprise.reference_date = panel.reference_date
    left join spreads as spread
        on spread.series_id = panel.series_id and spread.reference_date = panel.reference_date
)

select
    series_id,
    known_date,
    reference_date,
    released_date,
    known_basis,
    yoy_frac,
    mom_frac,
    expected_mom_frac,
    surprise_frac,
    surprise_z,
    case
        when yoy_frac is not null then 'ok'
        when reference_date - interval 12 months < first_reference_date then 'warming_up'
        else 'absent'
    end as yoy_status,
    case
        when mom_frac is not null then 'ok'
        when reference_date = first_reference_date then 'warming_up'
        else 'absent'
    end as mom_status,
    case
        when surprise_frac is not null then 'ok'
        when mom_frac is null and reference_date > first_reference_date then 'absent'
        else 'warming_up'
    end as surprise_status,
    case
        when surprise_z is not null then 'ok'
        when mom_frac is null and reference_date > first_reference_date then 'absent'
        else 'warming_up'
    end as surprise_z_status
from measures
order by series_id, known_date
