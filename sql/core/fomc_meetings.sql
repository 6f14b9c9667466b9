-- model: core.fomc_meetings
-- grain: decision_date
-- reads: ref.fomc_meetings, stg.fomc_page_meetings
-- what: every FOMC decision, past and announced, and every date that was given up, with the day each became known
-- source: the shipped calendar (transforms/events/fomc_meetings.toml) and federalreserve.gov/monetarypolicy/fomccalendars.htm
-- edge: the page wins for each year it lists whole; a date given up keeps its row, so that sessions before that day still expect it
-- compute: transforms.fomc_calendar.build_fomc_calendar
with
sources as (
    select 'shipped' as calendar_source, *
    from ref.fomc_meetings
    union all by name
    select 'page' as calendar_source, * exclude (file_name, file_sha256)
    from stg.fomc_page_meetings
)

select
    calendar_source,
    meeting_first_date,
    decision_date,
    is_scheduled,
    known_date,
    is_cancelled,
    cancelled_date,
    minutes_date,
    minutes_basis
from sources
order by calendar_source, decision_date
