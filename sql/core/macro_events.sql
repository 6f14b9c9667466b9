-- model: core.macro_events
-- grain: event_kind, event_date
-- reads: core.fomc_meetings, core.macro_release_dates, ref.parameters
-- what: FOMC decisions and minutes, and releases of CPI, PPI and GDP, past and to come, with the day from which each date was public
-- source: core.fomc_meetings; core.macro_release_dates; where neither has a release, the usual lag of the series (ours)
-- edge: an unscheduled decision, and a release that a lapse of appropriations moved, are public on their day only; a date given up has the day of that in withdrawn_date
with
parameter as (
    select
        max(value) filter (parameter = 'cpi_usual_lag_days')::integer as cpi_lag_days,
        max(value) filter (parameter = 'ppi_usual_lag_days')::integer as ppi_lag_days,
        max(value) filter (parameter = 'gdp_usual_lag_days')::integer as gdp_lag_days
    from ref.parameters
),

decisions as (
    select
        'fomc_decision' as event_kind,
        decision_date as event_date,
        known_date,
        -- a page does not say when a date was given up: it is then not expected at any time
        case when is_cancelled then coalesce(cancelled_date, known_date) end as withdrawn_date,
        meeting_basis as event_basis,
        is_scheduled
    from core.fomc_meetings
),

-- Since December 2004 minutes are expected three weeks after a scheduled decision; they came on another day
-- around holidays only.
expected_minutes as (
    select
        *,
        case when is_scheduled and decision_date >= date '2004-12-14' then decision_date + 21 end as expected_date
    from core.fomc_meetings
),

minutes_days as (
    select
        minutes_date as event_date,
        case
            when minutes_date = expected_date then known_date
            -- to then they followed the next meeting
            when is_scheduled and expected_date is null then known_date
            else minutes_date
        end as known_date,
        null::date as withdrawn_date,
        case when minutes_date = expected_date then 'estimated' else meeting_basis end as event_basis,
        is_scheduled
    from expected_minutes
    where minutes_date is not null
    union all by name
    select
        expected_date as event_date,
        known_date,
        case
            -- a page does not say when a date was given up: it is then not expected at any time
            when is_cancelled then coalesce(cancelled_date, known_date)
            else least(expected_date, minutes_date)
        end as withdrawn_date,
        'estimated' as event_basis,
        is_scheduled
    from expected_minutes
    where expected_date is distinct from minutes_date and expected_date is not null
),

-- The rule of core.macro_release_dates is late on purpose. As the day of an event the usual lag is the better
-- guess; a weekend moves it to Monday.
guesses as (
    select
        release.*,
        kind.event_kind,
        last_day(release.reference_date + to_months(kind.period_months - 1)) + kind.lag_days as usual_day
    from core.macro_release_dates as release
    cross join parameter
    cross join lateral (
        values
            ('CPIAUCSL', 'cpi_release', 1, parameter.cpi_lag_days),
            ('PPIACO', 'ppi_release', 1, parameter.ppi_lag_days),
            ('GDPC1', 'gdp_release', 3, parameter.gdp_lag_days)
    ) as kind (series_id, event_kind, period_months, lag_days)
    where kind.series_id = release.series_id
),

-- agencies publish the calendar of a year in the year before: from its December on at the latest
usual_days as (
    select
        event_kind,
        usual_day + (case isodow(usual_day) when 6 then 2 when 7 then 1 else 0 end) as usual_day,
        release_date,
        release_basis,
        is_shutdown_release
    from guesses
),

release_days as (
    select
        event_kind,
        case when release_basis = 'estimated' then usual_day else release_date end as event_date,
        case when is_shutdown_release then release_date end as surprise_date,
        null::date as withdrawn_date,
        case release_basis when 'scheduled' then 'published' else release_basis end as event_basis
    from usual_days
    union all by name
    -- a release held up by a lapse of appropriations was expected about its usual day until that had passed
    select
        event_kind,
        usual_day as event_date,
        null::date as surprise_date,
        usual_day as withdrawn_date,
        'estimated' as event_basis
    from usual_days
    where is_shutdown_release and usual_day < release_date
),

announced as (
    select * from decisions
    union all by name
    select 'fomc_minutes' as event_kind, * from minutes_days
    union all by name
    select
        event_kind,
        event_date,
        coalesce(surprise_date, date_trunc('year', event_date)::date - 31) as known_date,
        withdrawn_date,
        event_basis,
        true as is_scheduled
    from release_days
),

-- several meetings may share their minutes, several periods their release: the day is given up if all of them are
events as (
    select
        event_kind,
        event_date,
        min(known_date) as known_date,
        case when count(withdrawn_date) = count(*) then max(withdrawn_date) end as withdrawn_date,
        min_by(event_basis, (withdrawn_date is not null, event_basis = 'estimated', event_basis)) as event_basis,
        bool_or(is_scheduled) as is_scheduled
    from announced
    group by event_kind, event_date
)

select
    event_kind,
    event_date,
    known_date,
    withdrawn_date,
    event_basis,
    is_scheduled
from events
order by event_kind, event_date
