-- macro: macro_as_of(day)
-- gives: table
-- reads: core.macro_observations
-- what: every value of the monthly and quarterly series as it was known on the evening of a day, later releases and revisions left out
-- source: core.macro_observations; docs/signals.md
-- edge: a period not yet published by then, or withdrawn by then, has no row; known_basis says how well the day is known
-- example: select series_id, max(reference_date) as newest_reference_date from macro_as_of('2026-01-16') group by series_id order by series_id
select
    observed.series_id,
    observed.reference_date,
    observed.observed_value,
    observed.known_date,
    observed.known_basis,
    observed.is_first_release
from (
    select
        series_id,
        reference_date,
        observed_value,
        known_date,
        known_basis,
        is_first_release
    from core.macro_observations
    where known_date <= day::date
    qualify row_number() over (partition by series_id, reference_date order by known_date desc) = 1
) as observed
where observed.observed_value is not null
order by observed.series_id, observed.reference_date
