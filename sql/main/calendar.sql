-- model: main.calendar
-- grain: session_date
-- reads: ref.sessions
-- what: every day on which an exchange was or will be open
-- source: ref.sessions, from exchange_calendars
-- edge: a day without a row is a day on which both are closed; it reaches past the newest session
select
    session_date,
    is_futures_session,
    is_equity_session,
    is_futures_only,
    futures_session_count
from ref.sessions
