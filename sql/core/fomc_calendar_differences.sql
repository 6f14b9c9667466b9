-- model: core.fomc_calendar_differences
-- grain: decision_year, difference_kind, shipped_text, page_text
-- reads: ref.fomc_meetings, stg.fomc_page_meetings
-- what: on which points the shipped FOMC calendar and the page of the Federal Reserve differ
-- source: the shipped calendar (transforms/events/fomc_meetings.toml) and federalreserve.gov/monetarypolicy/fomccalendars.htm
-- edge: a row needs no action of its own: it says which of the two was not taken at its word
-- compute: transforms.fomc_calendar.build_fomc_differences
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
