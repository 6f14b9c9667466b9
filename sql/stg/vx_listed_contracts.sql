-- model: stg.vx_listed_contracts
-- grain: expiry_date
-- reads: raw.contract_list, stg.vx_settlements, stg.vx_same_evening_rows
-- what: every contract that settled at least once or is on Cboe's list, with the session from which it was listed
-- source: Cboe contract list (since 2013) and the contract files
-- edge: a contract counts as listed from its first settlement; leading all-zero rows are before that
with
settled as (
    select expiry_date, bool_or(is_monthly) as is_monthly, min(trade_date) as first_settle_date
    from (
        select expiry_date, is_monthly, trade_date from stg.vx_settlements
        union all
        select expiry_date, is_monthly, trade_date from stg.vx_same_evening_rows where reject_reason is null
    )
    group by expiry_date
)

select
    coalesce(settled.expiry_date, listed.expiry_date) as expiry_date,
    coalesce(settled.is_monthly, listed.is_monthly) as is_monthly,
    settled.first_settle_date,
    listed.expiry_date is not null as is_on_contract_list,
    listed.product_display
from settled
full join raw.contract_list as listed on listed.expiry_date = settled.expiry_date
