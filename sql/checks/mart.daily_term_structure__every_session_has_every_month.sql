-- check: mart.daily_term_structure__every_session_has_every_month
-- severity: warn
-- what: since 2010 no session's curve has a listed month without a settlement, or skips a month between the first and the last
with
sessions as (
    select trade_date, min(expiry_date) as first_expiry, max(expiry_date) as last_expiry, count(*) as months
    from core.daily_vx_listings
    where trade_date >= date '2010-01-01'
    group by trade_date
),

unsettled as (
    select listing.trade_date, listing.expiry_date
    from core.daily_vx_listings as listing
    left join core.daily_vx_settlements as settled
        on settled.trade_date = listing.trade_date and settled.expiry_date = listing.expiry_date
    where listing.trade_date >= date '2010-01-01' and settled.settle_pts is null
)

select session.trade_date, monthly.expiry_date as missing_expiry_date
from sessions as session
join ref.vx_monthly_expiries as monthly
    on monthly.expiry_date between session.first_expiry and session.last_expiry
left join core.daily_vx_listings as listing
    on listing.trade_date = session.trade_date and listing.expiry_date = monthly.expiry_date
where listing.expiry_date is null
union all
select trade_date, expiry_date from unsettled
order by 1 desc, 2
