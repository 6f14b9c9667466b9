-- check: mart.daily_term_structure__newest_session_skips_no_month
-- severity: error
-- what: on the newest session VX1 to VX4 are the next four monthly settlement dates: no listed month is missing from the curve
with
newest as (
    select * from mart.daily_term_structure
    where trade_date = (select max(trade_date) from mart.daily_term_structure)
),

due as (
    select
        newest.trade_date,
        monthly.expiry_date,
        row_number() over (order by monthly.expiry_date) as tenor_rank
    from newest
    join ref.vx_monthly_expiries as monthly on monthly.expiry_date > newest.trade_date
)

select due.trade_date, due.tenor_rank, due.expiry_date as due_expiry_date, listing.expiry_date as found_expiry_date
from due
left join core.daily_vx_listings as listing
    on listing.trade_date = due.trade_date and listing.tenor_rank = due.tenor_rank
where due.tenor_rank <= 4 and listing.expiry_date is distinct from due.expiry_date
