-- model: stg.fomc_page_meetings
-- grain: decision_date
-- reads: raw.fomc_page_meetings
-- what: the meetings on the newest stored version of the Federal Reserve's calendar page
-- source: federalreserve.gov/monetarypolicy/fomccalendars.htm
-- edge: rows of the page that cannot be a meeting are in ops.quarantined_rows
select
    file_name,
    file_sha256,
    meeting_first_date,
    decision_date,
    is_scheduled,
    known_date,
    is_cancelled,
    cancelled_date,
    minutes_date,
    minutes_basis
from raw.fomc_page_meetings
where is_current
