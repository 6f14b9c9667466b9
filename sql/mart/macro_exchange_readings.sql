-- model: mart.macro_exchange_readings
-- grain: known_date
-- reads: core.macro_observations, ref.parameters
-- what: the broad real effective exchange rate of the dollar as it stood on each day on which something new about it became known: its 3-month change, and how far that is from the trailing ones
-- source: methodology section 13; FRED series RBUSBIS (Bank for International Settlements)
-- edge: every figure of a row is of one vintage, so that a new base is no change; mean and spread are of the 60 months before the newest, all of them there
with
parameter as (
    select
        max(value) filter (parameter = 'reer_change_months')::integer as change_months,
        max(value) filter (parameter = 'reer_history_months')::integer as history_months
    from ref.parameters
),

observations as (
    select
        *,
        coalesce(
            lead(known_date) over (partition by reference_date order by known_date), date '9999-12-31'
        ) as superseded_date
    from core.macro_observations
    where series_id = 'RBUSBIS'
),

panel_dates as (
    select distinct known_date from observations
),

panels as (
    select
        panel.known_date,
        observation.reference_date,
        observation.observed_value
    from panel_dates as panel
    join observations as observation
        on observation.known_date <= panel.known_date and observation.superseded_date > panel.known_date
    where observation.observed_value is not null
),

changes as (
    select
        now_.known_date,
        now_.reference_date,
        ln(now_.observed_value / earlier.observed_value) as change_log,
        now_.reference_date = max(now_.reference_date) over by_panel as is_newest,
        min(now_.reference_date) over by_panel as first_reference_date
    from panels as now_
    cross join parameter
    left join panels as earlier
        on earlier.known_date = now_.known_date
        and earlier.reference_date = (now_.reference_date - to_months(parameter.change_months))::date
    window by_panel as (partition by now_.known_date)
),

-- summed in one order, so that the same months give the same last digit in every build
histories as (
    select
        newest.known_date,
        count(earlier.change_log) as history_months,
        avg(earlier.change_log order by earlier.reference_date) as mean_log,
        stddev_samp(earlier.change_log order by earlier.reference_date) as sd_log
    from changes as newest
    cross join parameter
    join changes as earlier
        on earlier.known_date = newest.known_date
        and earlier.reference_date < newest.reference_date
        and earlier.reference_date >= newest.reference_date - to_months(parameter.history_months)
    where newest.is_newest
    group by newest.known_date
),

releases as (
    select reference_date, known_date as released_date, known_basis
    from observations
    where is_first_release
),

measures as (
    select
        newest.*,
        release.released_date,
        release.known_basis,
        parameter.change_months,
        parameter.history_months,
        case
            when history.history_months = parameter.history_months
                then (newest.change_log - history.mean_log) / nullif(history.sd_log, 0)
        end as shift_z
    from changes as newest
    cross join parameter
    join releases as release on release.reference_date = newest.reference_date
    left join histories as history on history.known_date = newest.known_date
    where newest.is_newest
)

select
    known_date,
    reference_date,
    released_date,
    known_basis,
    change_log as reer_change_3m_log,
    shift_z as reer_shift_z,
    case
        when change_log is not null then 'ok'
        when reference_date - to_months(change_months) < first_reference_date then 'warming_up'
        else 'absent'
    end as reer_status,
    case
        when shift_z is not null then 'ok'
        when change_log is null and reference_date - to_months(change_months) >= first_reference_date then 'absent'
        else 'warming_up'
    end as reer_shift_status
from measures
order by known_date
