-- check: ops.value_revisions__history_is_not_rewritten
-- severity: error
-- what: the newest session that was published still has settlements, few published values are gone, and few are restated by much (restated_...)
with
bounds as (
    select
        max(value) filter (parameter = 'restated_small_log') as small_log,
        max(value) filter (parameter = 'restated_most_gone') as most_gone,
        max(value) filter (parameter = 'restated_most_large') as most_large
    from ref.parameters
),

tonight as (
    select
        revision.*,
        revision.old_value is not null and revision.new_value is null as is_gone,
        -- a bill rate near nothing changes by a lot without meaning much
        revision.column_name <> 'bill_discount_rate_frac'
        and abs(ln(try_cast(revision.new_value as double) / try_cast(revision.old_value as double))) > bounds.small_log
            as is_large
    from ops.value_revisions as revision
    cross join bounds
    where revision.detected_run_id = (select run_id from ref.run)
        and revision.column_name in ('settle_pts', 'close_pts', 'bill_discount_rate_frac')
        and not (revision.table_name = 'core.daily_vx_settlements' and revision.column_name = 'close_pts')
)

select
    'newest published session is gone' as what, max(trade_date) as restated_date, count(*) as values_found
from tonight
where is_gone
    and table_name = 'core.daily_vx_settlements'
    and trade_date > (select coalesce(max(trade_date), date '0001-01-01') from mart.daily_term_structure)
having count(*) > 0
union all
select 'published values are gone', max(trade_date), count(*)
from tonight
where is_gone
having count(*) > (select most_gone from bounds)
union all
select 'values restated by much', max(trade_date), count(*)
from tonight
where is_large
having count(*) > (select most_large from bounds)
order by all
