-- check: ops.value_revisions__restatements_are_small
-- severity: warn
-- what: of what was published before, tonight's files restate few settlements, index closes and bill rates, and none of them by much (restated_...)
with
bounds as (
    select
        max(value) filter (parameter = 'restated_small_log') as small_log,
        max(value) filter (parameter = 'restated_few_values') as few_values
    from ref.parameters
),

tonight as (
    select
        *,
        ln(try_cast(new_value as double) / try_cast(old_value as double)) as change_log,
        count(*) over () as restated_values
    from ops.value_revisions
    where detected_run_id = (select run_id from ref.run)
        and column_name in ('settle_pts', 'close_pts', 'bill_discount_rate_frac')
        -- the last trade of a contract is the publisher's, and nothing is computed from it
        and not (table_name = 'core.daily_vx_settlements' and column_name = 'close_pts')
)

select
    (select max(trade_date) from mart.daily_term_structure) as trade_date,
    tonight.trade_date as restated_date, tonight.row_key, tonight.column_name, tonight.old_value, tonight.new_value,
    tonight.restated_values
from tonight
cross join bounds
where tonight.restated_values > bounds.few_values
    or tonight.new_value is null
    -- a bill rate may be nothing, or less: then only its number counts
    or abs(tonight.change_log) > bounds.small_log
        and tonight.column_name <> 'bill_discount_rate_frac'
order by abs(tonight.change_log) desc nulls first, restated_date desc, tonight.row_key
