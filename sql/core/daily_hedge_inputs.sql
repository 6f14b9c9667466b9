-- model: core.daily_hedge_inputs
-- grain: trade_date
-- reads: core.daily_vx_listings, core.daily_index_levels, core.daily_bill_rates, ref.parameters
-- what: closes of the S&P 500 and of the VIX at three terms, VVIX, and the newest bill rate known, on each session of VIX futures
-- source: index histories of Cboe; FRED series DTB3
-- edge: a close of another session is never carried; a bill rate is known the day after its own, and is not carried beyond bill_rate_longest_carry_days
with
parameter as (
    select max(value)::bigint as longest_carry_days
    from ref.parameters
    where parameter = 'bill_rate_longest_carry_days'
),

sessions as (
    select distinct trade_date
    from core.daily_vx_listings
),

closes as (
    select
        trade_date,
        max(close_pts) filter (index_code = 'SPX') as spx_close_pts,
        max(close_pts) filter (index_code = 'VIX') as vix_close_pts,
        max(close_pts) filter (index_code = 'VIX9D') as vix9d_close_pts,
        max(close_pts) filter (index_code = 'VIX3M') as vix3m_close_pts,
        max(close_pts) filter (index_code = 'VVIX') as vvix_close_pts
    from core.daily_index_levels
    group by trade_date
)

select
    session.trade_date,
    closes.spx_close_pts,
    closes.vix_close_pts,
    closes.vix9d_close_pts,
    closes.vix3m_close_pts,
    closes.vvix_close_pts,
    case
        when session.trade_date - bill.observation_date <= parameter.longest_carry_days then bill.bill_discount_rate_frac
    end as bill_discount_rate_frac
from sessions as session
cross join parameter
left join closes on closes.trade_date = session.trade_date
asof left join core.daily_bill_rates as bill on bill.observation_date < session.trade_date
order by session.trade_date
