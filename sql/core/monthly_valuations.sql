-- model: core.monthly_valuations
-- grain: reference_date
-- reads: stg.monthly_valuation_rows, ref.parameters
-- what: monthly price, trailing earnings, dividends and cyclically adjusted P/E of the S&P 500, with the days from which each counts as known
-- source: Robert Shiller's online data: the user's workbook where it has the month, else the public copy
-- edge: a month that is not over, or a workbook's newest, has no row; earnings are interpolated towards the end of their quarter, so they and CAPE count as known only a publication lag after it; the newest version of a file stands for all dates
with
parameter as (
    select max(value) filter (parameter = 'earnings_publication_lag_days')::integer as lag_days from ref.parameters
)

select
    reference_date,
    sp500_mean_pts,
    earnings_ttm_pts,
    dividends_ttm_pts,
    cape_ratio,
    (reference_date + interval 1 month)::date as price_known_date,
    (date_trunc('quarter', reference_date) + interval 3 months)::date + parameter.lag_days as earnings_known_date,
    valuation_source
from stg.monthly_valuation_rows
cross join parameter
where reject_reason is null and is_month_complete
    and coalesce(sp500_mean_pts, earnings_ttm_pts, dividends_ttm_pts, cape_ratio) is not null
-- a user's own workbook is newer than the copy, or chosen
qualify row_number() over (partition by reference_date order by valuation_source = 'workbook' desc, file_name) = 1
order by reference_date
