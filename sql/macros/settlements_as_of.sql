-- macro: settlements_as_of(day)
-- gives: table
-- reads: core.daily_vx_settlements, ops.value_revisions
-- what: every settlement up to a day with the value that was published by the evening of that day: what a later run found changed is undone
-- source: ops.value_revisions, the record of every published value that changed
-- edge: only changes that this home has seen can be undone; a row that appeared later is left out, one that was withdrawn since is not brought back
-- example: select trade_date, contract_code, settle_pts, is_revised from settlements_as_of('2026-01-16') where tenor_rank = 1 order by trade_date desc limit 3
select
    settled.trade_date,
    settled.expiry_date,
    settled.contract_code,
    settled.is_monthly,
    settled.tenor_rank,
    settled.calendar_days_to_expiry,
    settled.is_final_settlement,
    case when later.contract_code is null then settled.settle_pts else later.old_settle_pts end as settle_pts,
    later.contract_code is not null as is_revised
from core.daily_vx_settlements as settled
left join (
    -- the value before the first change after the day is the value of the day
    select
        trade_date,
        row_key as contract_code,
        arg_min(coalesce(old_value, 'absent'), detected_run_id) as first_old_value,
        try_cast(first_old_value as double) as old_settle_pts
    from ops.value_revisions
    where table_name = 'core.daily_vx_settlements'
        and column_name = 'settle_pts'
        -- A run is named by its instant in UTC. New York's evening ends at 04:00 or 05:00 UTC; no time zone
        -- is asked for, because not every client of DuckDB brings them.
        and (strptime(left(detected_run_id, 15), '%Y%m%dT%H%M%S') - interval 5 hours)::date > day::date
    group by trade_date, row_key
) as later on later.trade_date = settled.trade_date and later.contract_code = settled.contract_code
where settled.trade_date <= day::date
    and later.first_old_value is distinct from 'absent'
order by settled.trade_date, settled.expiry_date
