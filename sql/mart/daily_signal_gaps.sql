-- model: mart.daily_signal_gaps
-- grain: trade_date, signal
-- reads: mart.daily_signals, ref.signals
-- what: every signal that has no value on a session, and why
-- source: mart.daily_signals; ref.signals says which status explains a signal
-- edge: a signal that is missing while its group is ok is warming_up before its first value ever, absent afterwards
with
presence as (
    select trade_date, columns(* exclude (trade_date)) is not null as "\0"
    from mart.daily_signals
),

presence_by_signal as (
    select trade_date, signal, is_there
    from presence unpivot (is_there for signal in (columns(* exclude (trade_date))))
),

first_values as (
    select signal, min(trade_date) as first_date
    from presence_by_signal
    where is_there
    group by signal
),

status_columns as (
    select trade_date, columns('_status$')
    from mart.daily_signals
),

group_statuses as (
    select trade_date, status_column, group_status
    from status_columns unpivot (group_status for status_column in (columns('_status$')))
),

missing as materialized (
    -- settled first: joined to the statuses of all sessions, the signals would be six times as many rows
    select presence.trade_date, presence.signal, signal.status_column
    from presence_by_signal as presence
    join ref.signals as signal on signal.signal = presence.signal
    where not presence.is_there
)

select
    missing.trade_date,
    missing.signal,
    case
        when grouped.group_status <> 'ok' then grouped.group_status
        when first_values.first_date < missing.trade_date then 'absent'
        else 'warming_up'
    end as signal_status
from missing
join group_statuses as grouped
    on grouped.trade_date = missing.trade_date and grouped.status_column = missing.status_column
left join first_values on first_values.signal = missing.signal
order by missing.trade_date, missing.signal
