-- model: mart.macro_output_readings
-- grain: known_date
-- reads: core.macro_observations
-- what: real GDP as it stood on each day on which something new about it became known: growth over the year and over the quarter, and the cycle by its sign
-- source: methodology section 13; FRED series GDPC1
-- edge: every figure of a row is of one vintage, so that a new base year is no growth; all are NULL unless the quarters they need are there
with
observations as (
    select
        *,
        coalesce(
            lead(known_date) over (partition by reference_date order by known_date), date '9999-12-31'
        ) as superseded_date
    from core.macro_observations
    where series_id = 'GDPC1'
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

newest_quarters as (
    select
        known_date,
        max(reference_date) as reference_date,
        min(reference_date) as first_reference_date
    from panels
    group by known_date
),

growth as (
    select
        newest.known_date,
        newest.reference_date,
        newest.first_reference_date,
        now_.observed_value / year_before.observed_value - 1 as yoy_frac,
        pow(now_.observed_value / quarter_before.observed_value, 4) - 1 as qoq_annualised_frac
    from newest_quarters as newest
    join panels as now_
        on now_.known_date = newest.known_date and now_.reference_date = newest.reference_date
    left join panels as quarter_before
        on quarter_before.known_date = newest.known_date
        and quarter_before.reference_date = (newest.reference_date - interval 3 months)::date
    left join panels as year_before
        on year_before.known_date = newest.known_date
        and year_before.reference_date = (newest.reference_date - interval 12 months)::date
),

releases as (
    select reference_date, known_date as released_date, known_basis
    from observations
    where is_first_release
)

select
    growth.known_date,
    growth.reference_date,
    release.released_date,
    release.known_basis,
    case when growth.qoq_annualised_frac is not null then growth.yoy_frac end as gdp_growth_yoy_frac,
    case when growth.yoy_frac is not null then growth.qoq_annualised_frac end as gdp_growth_qoq_annualised_frac,
    case
        when growth.yoy_frac is null or growth.qoq_annualised_frac is null then null
        when growth.qoq_annualised_frac < 0 then 'contraction'
        else 'expansion'
    end as gdp_cycle,
    case
        when growth.yoy_frac is not null and growth.qoq_annualised_frac is not null then 'ok'
        when growth.reference_date - interval 12 months < growth.first_reference_date then 'warming_up'
        else 'absent'
    end as gdp_status
from growth
join releases as release on release.reference_date = growth.reference_date
order by growth.known_date
