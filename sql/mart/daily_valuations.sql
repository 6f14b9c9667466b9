-- model: mart.daily_valuations
-- grain: trade_date
-- reads: core.monthly_valuations, core.sector_valuations, core.daily_fund_values, core.daily_vx_settlements, ref.etp_launches, ref.parameters
-- what: price/earnings of the S&P 500 and its change over a year, price/cash flow of the sectors, size and launches of the volatility funds, as known on the evening of each session
-- source: methodology section 13
-- edge: the year-ago ratio takes the price and the earnings of 12 months before those in use; the funds' sum is NULL unless every fund listed by then is there
with
parameter as (
    select
        max(value) filter (parameter = 'pe_price_longest_age_days') as price_age,
        max(value) filter (parameter = 'pe_earnings_longest_age_days') as earnings_age,
        max(value) filter (parameter = 'sector_longest_age_days')::integer as sector_age
    from ref.parameters
),

days as (
    select distinct trade_date from core.daily_vx_settlements
),

-- ---- price / earnings ----
prices as (
    select price_known_date as known_date, max(reference_date) as reference_date
    from core.monthly_valuations
    where sp500_mean_pts is not null and price_known_date is not null
    group by price_known_date
),

earnings as (
    select earnings_known_date as known_date, max(reference_date) as reference_date
    from core.monthly_valuations
    where earnings_ttm_pts > 0 and earnings_known_date is not null
    group by earnings_known_date
),

ratio_inputs as (
    select
        day.trade_date,
        price.reference_date as price_month,
        price.known_date as price_known_date,
        earned.reference_date as earnings_month,
        earned.known_date as earnings_known_date,
        day.trade_date - last_day(price.reference_date) > parameter.price_age
            or day.trade_date - last_day(earned.reference_date) > parameter.earnings_age as is_stale
    from days as day
    cross join parameter
    asof left join prices as price on price.known_date <= day.trade_date
    asof left join earnings as earned on earned.known_date <= day.trade_date
),

ratios as (
    select
        input.trade_date,
        input.price_month,
        input.earnings_month,
        greatest(input.price_known_date, input.earnings_known_date) as known_date,
        input.is_stale,
        price.sp500_mean_pts / earned.earnings_ttm_pts as pe_ttm_ratio,
        price_before.sp500_mean_pts / nullif(greatest(earned_before.earnings_ttm_pts, 0), 0) as pe_year_before
    from ratio_inputs as input
    left join core.monthly_valuations as price on price.reference_date = input.price_month
    left join core.monthly_valuations as earned on earned.reference_date = input.earnings_month
    left join core.monthly_valuations as price_before
        on price_before.reference_date = (input.price_month - interval 12 months)::date
    left join core.monthly_valuations as earned_before
        on earned_before.reference_date = (input.earnings_month - interval 12 months)::date
),

-- ---- price / cash flow of the sectors ----
sector_firsts as (
    select min(known_date) as first_known_date from core.sector_valuations
),

sector_newest as (
    select
        day.trade_date,
        valuation.sector,
        max_by(valuation, (valuation.reference_date, valuation.known_date)) as newest
    from days as day
    cross join parameter
    join core.sector_valuations as valuation
        on valuation.known_date <= day.trade_date
        and valuation.reference_date >= day.trade_date - parameter.sector_age
        and valuation.reference_date <= day.trade_date
    group by day.trade_date, valuation.sector
),

sectors as (
    select
        trade_date,
        median(newest.price_to_cash_flow_ratio) as sector_price_to_cash_flow_ratio,
        min(newest.reference_date) as sector_reference_date,
        max(newest.known_date) as sector_known_date
    from sector_newest
    group by trade_date
),

-- ---- volatility funds ----
listed_funds as (
    select symbol, min(listed_from) as listed_from
    from (
        select symbol, min(trade_date) as listed_from from core.daily_fund_values group by symbol
        union all by name
        select symbol, launch_date as listed_from from ref.etp_launches where symbol in ('VIXY', 'UVXY', 'SVXY')
    )
    group by symbol
),

fund_sums as (
    select
        day.trade_date,
        case when count(*) = count(fund.net_assets_usd) then sum(fund.net_assets_usd order by listed.symbol) end as vol_etp_net_assets_usd
    from days as day
    join listed_funds as listed on listed.listed_from <= day.trade_date
    left join core.daily_fund_values as fund
        on fund.symbol = listed.symbol and fund.trade_date = day.trade_date
    group by day.trade_date
),

launches as (
    select
        day.trade_date,
        count(etp.launch_date) filter (etp.launch_date > day.trade_date - interval 12 months) as etp_launches_12m,
        count(etp.launch_date) filter (coalesce(etp.end_date >= day.trade_date, true)) as etp_listed
    from days as day
    left join ref.etp_launches as etp on etp.launch_date <= day.trade_date
    -- without a table, as for a simulated market, nothing is known; before the first product there were none
    where exists (from ref.etp_launches)
    group by day.trade_date
)

select
    day.trade_date,
    case when not ratio.is_stale then ratio.pe_ttm_ratio end as pe_ttm_ratio,
    case when not ratio.is_stale then ratio.pe_ttm_ratio / ratio.pe_year_before - 1 end as pe_change_12m_frac,
    case when not ratio.is_stale then ratio.pe_ttm_ratio < ratio.pe_year_before end as is_pe_compressing,
    ratio.price_month as pe_price_reference_date,
    ratio.earnings_month as pe_earnings_reference_date,
    ratio.known_date as pe_known_date,
    case
        when ratio.pe_ttm_ratio is null then 'absent'
        when ratio.is_stale then 'stale'
        else 'ok'
    end as pe_status,
    case
        when ratio.pe_ttm_ratio is null then 'absent'
        when ratio.is_stale then 'stale'
        when ratio.pe_year_before is null then 'warming_up'
        else 'ok'
    end as pe_change_status,
    sector.sector_price_to_cash_flow_ratio,
    sector.sector_reference_date,
    sector.sector_known_date,
    case
        when sector.sector_price_to_cash_flow_ratio is not null then 'ok'
        when sector_firsts.first_known_date <= day.trade_date then 'stale'
        else 'absent'
    end as sector_status,
    fund.vol_etp_net_assets_usd,
    case when fund.vol_etp_net_assets_usd is null then 'absent' else 'ok' end as vol_etp_status,
    launch.etp_launches_12m,
    launch.etp_listed,
    case when launch.etp_listed is null then 'absent' else 'ok' end as etp_launches_status
from days as day
cross join sector_firsts
left join ratios as ratio on ratio.trade_date = day.trade_date
left join sectors as sector on sector.trade_date = day.trade_date
left join fund_sums as fund on fund.trade_date = day.trade_date
left join launches as launch on launch.trade_date = day.trade_date
order by day.trade_date
