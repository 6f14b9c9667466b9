-- check: core.daily_vx_settlements__monthlies_are_by_rule
-- severity: error
-- what: every contract that Cboe lists as monthly expires on a date of the settlement rule, and no weekly does
select listed.expiry_date, listed.is_monthly, listed.product_display
from stg.vx_listed_contracts as listed
left join ref.vx_monthly_expiries as monthly on monthly.expiry_date = listed.expiry_date
where listed.is_on_contract_list and listed.is_monthly <> (monthly.expiry_date is not null)
    and listed.expiry_date between
    (select min(expiry_date) from ref.vx_monthly_expiries) and (select max(expiry_date) from ref.vx_monthly_expiries)
