-- macro: constant_maturity(days)
-- gives: table
-- reads: core.daily_vx_listings, core.daily_vx_settlements
-- what: the settlement of a made-up contract with so many calendar days left, every session: the two monthlies around it, interpolated by days
-- source: docs/methodology.md, curve; cm30_pts, cm60_pts and cm90_pts for any number of days
-- edge: NULL outside the listed range and where one of the two months has no settlement; never extrapolated
-- example: select trade_date, constant_maturity_pts from constant_maturity(45) order by trade_date desc limit 3
select
    near.trade_date,
    max(
        case
            when near.calendar_days_to_expiry = days then near.settle_pts
            when near.calendar_days_to_expiry < days and near.next_days > days
                then (
                    (near.next_days - days) * near.settle_pts
                    + (days - near.calendar_days_to_expiry) * near.next_settle_pts
                ) / (near.next_days - near.calendar_days_to_expiry)
        end
    ) as constant_maturity_pts
from (
    select
        listing.trade_date,
        listing.calendar_days_to_expiry,
        settled.settle_pts,
        lead(listing.calendar_days_to_expiry) over later_month as next_days,
        lead(settled.settle_pts) over later_month as next_settle_pts
    from core.daily_vx_listings as listing
    left join core.daily_vx_settlements as settled
        on settled.trade_date = listing.trade_date and settled.expiry_date = listing.expiry_date
    window later_month as (partition by listing.trade_date order by listing.expiry_date)
) as near
group by near.trade_date
order by near.trade_date
