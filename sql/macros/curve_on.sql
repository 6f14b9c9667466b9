-- macro: curve_on(day)
-- gives: table
-- reads: core.daily_vx_listings, core.daily_vx_settlements, mart.daily_term_structure
-- what: the monthly contracts listed at the close of a session, in order of expiry, with settlement and VIX
-- source: docs/methodology.md, contracts
-- edge: a day that is no session has no rows; a listed month without a settlement is there with NULL
-- example: select tenor_rank, contract_code, calendar_days_to_expiry, settle_pts from curve_on('2026-01-16') order by tenor_rank
select
    listing.trade_date,
    listing.tenor_rank,
    settled.contract_code,
    listing.expiry_date,
    listing.calendar_days_to_expiry,
    listing.trading_days_to_expiry,
    settled.settle_pts,
    curve.vix_close_pts
from core.daily_vx_listings as listing
left join core.daily_vx_settlements as settled
    on settled.trade_date = listing.trade_date and settled.expiry_date = listing.expiry_date
left join mart.daily_term_structure as curve on curve.trade_date = listing.trade_date
where listing.trade_date = day::date
order by listing.tenor_rank
