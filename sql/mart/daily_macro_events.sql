-- model: mart.daily_macro_events
-- grain: trade_date
-- reads: core.macro_events, core.daily_vx_settlements, ref.sessions, ref.parameters
-- what: for each session the next and the last FOMC decision, FOMC minutes, CPI release and PPI release, and whether the session lies in the window around one
-- source: methodology sections 6 and 13; dates and their basis from core.macro_events
-- edge: only what was announced by the session counts ahead, so that an unscheduled decision opens its window on its own day; an event on a day without an equity session counts with the next one
with
parameter as (
    select max(value) filter (parameter = 'event_window_sessions')::bigint as window_sessions
    from ref.parameters
),

equity_sessions as (
    select session_date, row_number() over (order by session_date) as session_no
    from ref.sessions
    where is_equity_session
),

-- A futures-only day lies between two equity sessions: it is one away from both.
days as (
    select
        day.trade_date,
        before.session_no as session_no_before,
        after.session_no as session_no_after
    from (select distinct trade_date from core.daily_vx_settlements) as day
    asof join equity_sessions as before on before.session_date <= day.trade_date
    asof join equity_sessions as after on after.session_date >= day.trade_date
),

events as (
    select
        event.event_kind,
        event.event_date,
        event.known_date,
        event.withdrawn_date,
        event.event_basis,
        session.session_date,
        session.session_no
    from core.macro_events as event
    asof join equity_sessions as session on session.session_date >= event.event_date
),

kinds as (
    select unnest(['fomc_decision', 'fomc_minutes', 'cpi_release', 'ppi_release']) as event_kind
),

ahead as (
    select
        day.trade_date,
        event.event_kind,
        min(event.session_no - day.session_no_before) as sessions_to,
        min(event.event_date) as next_date,
        min_by(event.event_basis, event.event_date) as next_basis
    from days as day
    join events as event
        on event.session_date >= day.trade_date
        and event.session_date <= day.trade_date + 400
        and event.known_date <= day.trade_date
        and coalesce(event.withdrawn_date > day.trade_date, true)
    group by day.trade_date, event.event_kind
),

behind as (
    select
        day.trade_date,
        event.event_kind,
        day.session_no_after - event.session_no as sessions_since
    from days as day
    cross join kinds as kind
    asof join (select * from events where withdrawn_date is null) as event
        on event.event_kind = kind.event_kind and event.session_date <= day.trade_date
),

-- one row a session and kind: all of its values, or none and the reason
windows as (
    select
        day.trade_date,
        kind.event_kind,
        ahead.sessions_to,
        behind.sessions_since,
        ahead.next_date,
        ahead.next_basis,
        least(ahead.sessions_to, behind.sessions_since) <= parameter.window_sessions as is_window,
        case
            when ahead.sessions_to is not null and behind.sessions_since is not null then 'ok'
            when ahead.sessions_to is not null then 'warming_up'
            when behind.sessions_since is not null then 'stale'
            else 'absent'
        end as status
    from days as day
    cross join kinds as kind
    cross join parameter
    left join ahead on ahead.trade_date = day.trade_date and ahead.event_kind = kind.event_kind
    left join behind on behind.trade_date = day.trade_date and behind.event_kind = kind.event_kind
),

by_kind as (
    select
        trade_date,
        max(columns(['sessions_to', 'sessions_since', 'next_date', 'next_basis', 'is_window']))
            filter (event_kind = 'fomc_decision' and status = 'ok') as 'fomc_\0',
        max(columns(['sessions_to', 'sessions_since', 'next_date', 'next_basis', 'is_window']))
            filter (event_kind = 'fomc_minutes' and status = 'ok') as 'minutes_\0',
        max(columns(['sessions_to', 'sessions_since', 'next_date', 'next_basis', 'is_window']))
            filter (event_kind = 'cpi_release' and status = 'ok') as 'cpi_\0',
        max(columns(['sessions_to', 'sessions_since', 'next_date', 'next_basis', 'is_window']))
            filter (event_kind = 'ppi_release' and status = 'ok') as 'ppi_\0',
        max(status) filter (event_kind = 'fomc_decision') as fomc_status,
        max(status) filter (event_kind = 'fomc_minutes') as minutes_status,
        max(status) filter (event_kind = 'cpi_release') as cpi_status,
        max(status) filter (event_kind = 'ppi_release') as ppi_status
    from windows
    group by trade_date
)

select
    trade_date,
    fomc_next_date as next_fomc_date,
    fomc_next_basis as next_fomc_basis,
    fomc_sessions_to as sessions_to_fomc_decision,
    fomc_sessions_since as sessions_since_fomc_decision,
    fomc_is_window as is_fomc_window,
    fomc_status as fomc_event_status,
    minutes_next_date as next_fomc_minutes_date,
    minutes_next_basis as next_fomc_minutes_basis,
    minutes_sessions_to as sessions_to_fomc_minutes,
    minutes_sessions_since as sessions_since_fomc_minutes,
    minutes_is_window as is_fomc_minutes_window,
    minutes_status as fomc_minutes_event_status,
    cpi_next_date as next_cpi_date,
    cpi_next_basis as next_cpi_basis,
    cpi_sessions_to as sessions_to_cpi_release,
    cpi_sessions_since as sessions_since_cpi_release,
    cpi_is_window as is_cpi_window,
    cpi_status as cpi_event_status,
    ppi_next_date as next_ppi_date,
    ppi_next_basis as next_ppi_basis,
    ppi_sessions_to as sessions_to_ppi_release,
    ppi_sessions_since as sessions_since_ppi_release,
    ppi_is_window as is_ppi_window,
    ppi_status as ppi_event_status,
    -- three-valued: one window that is open settles it, one that cannot be known leaves it open
    fomc_is_window or cpi_is_window as is_macro_event_window,
    case
        when (fomc_is_window or cpi_is_window) is not null then 'ok'
        when fomc_status <> 'ok' then fomc_status
        else cpi_status
    end as macro_event_status
from by_kind
order by trade_date
