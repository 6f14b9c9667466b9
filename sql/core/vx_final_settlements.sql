-- model: core.vx_final_settlements
-- grain: expiry_date
-- reads: stg.vx_final_settlements, core.daily_vx_settlements
-- what: the exchange's final settlement value of each contract, beside what the contract's own file prints
-- source: VRO history; contract and archive files
-- edge: NULL on either side where that source has none
with
official as (
    select expiry_date, is_monthly, final_settle_pts from stg.vx_final_settlements
    where reject_reason is null
    qualify row_number() over (partition by expiry_date order by line_no desc) = 1
),

printed as (
    select expiry_date, settle_pts from core.daily_vx_settlements where is_final_settlement
)

select
    coalesce(printed.expiry_date, official.expiry_date) as expiry_date,
    official.final_settle_pts as official_final_settle_pts,
    printed.settle_pts as contract_file_pts
from printed
full join official on official.expiry_date = printed.expiry_date
-- the source also has days on which only weekly options settled
where printed.expiry_date is not null or official.is_monthly
order by expiry_date
