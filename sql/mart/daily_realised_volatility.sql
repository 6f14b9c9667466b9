-- model: mart.daily_realised_volatility
-- grain: trade_date
-- reads: core.daily_index_levels, ref.sessions, ref.parameters
-- what: realised volatility of the S&P 500 and its excursions, the expected daily range, the variance premium, and the distance from the high, on each equity session
-- source: methodology section 4 and 6 (docs/methodology.md); parameters in transforms/parameters.toml
-- edge: windows are counted in equity sessions and must be whole: a missing close makes every window that holds it NULL
with
parameter as (
    select
        max(value) filter (parameter = 'edr_blend_weight_frac') as blend_weight,
        max(value) filter (parameter = 'percentile_least_sessions') as percentile_least_sessions
    from ref.parameters
),

closes as (
    select
        trade_date,
        max(close_pts) filter (index_code = 'SPX') as spx_close_pts,
        max(close_pts) filter (index_code = 'VIX') as vix_close_pts,
        max(close_pts) filter (index_code = 'VIX9D') as vix9d_close_pts
    from core.daily_index_levels
    group by trade_date
),

equity_sessions as (
    select
        session.session_date as trade_date,
        closes.spx_close_pts,
        closes.vix_close_pts,
        closes.vix9d_close_pts,
        ln(closes.spx_close_pts / lag(closes.spx_close_pts) over (order by session.session_date)) as spx_return_log
    from ref.sessions as session
    left join closes on closes.trade_date = session.session_date
    where session.is_equity_session and session.session_date <= (select max(trade_date) from closes)
),

-- close to close, around the window's own mean, annualised by 252 sessions
volatility as (
    select
        *,
        case
            when count(spx_return_log) over last_21 = 21 then 100 * sqrt(252) * stddev_samp(spx_return_log) over last_21
        end as spx_rv21_pts,
        case
            when count(spx_return_log) over last_20 = 20 then 100 * sqrt(252) * stddev_samp(spx_return_log) over last_20
        end as spx_hv20_pts,
        case when count(spx_close_pts) over last_252 = 252 then max(spx_close_pts) over last_252 end as spx_high_252d_pts
    from equity_sessions
    window
        last_20 as (order by trade_date rows between 19 preceding and current row),
        last_21 as (order by trade_date rows between 20 preceding and current row),
        last_252 as (order by trade_date rows between 251 preceding and current row)
),

-- against the 252 sessions that end the day before: the day itself does not soften its own excursion
excursions as (
    select
        *,
        case
            when count(spx_rv21_pts) over year_before = 252
                then (spx_rv21_pts - avg(spx_rv21_pts) over year_before)
                    / nullif(stddev_samp(spx_rv21_pts) over year_before, 0)
        end as rv_excursion_z
    from volatility
    window year_before as (order by trade_date rows between 252 preceding and 1 preceding)
),

premium_ranks as (
    select
        trade_date,
        count(*) over (order by trade_date) as sessions,
        cume_dist(order by vix_close_pts - spx_rv21_pts) over (order by trade_date rows unbounded preceding) as pctile
    from excursions
    where vix_close_pts is not null and spx_rv21_pts is not null
)

select
    excursions.trade_date,
    excursions.spx_close_pts,
    excursions.vix9d_close_pts,
    excursions.spx_return_log,
    excursions.spx_rv21_pts,
    excursions.spx_hv20_pts,
    excursions.rv_excursion_z,
    -- greatest() passes over a NULL: what is not known is not 0
    case when excursions.rv_excursion_z is not null then floor(greatest(excursions.rv_excursion_z, 0))::bigint end as rv_excursions,
    excursions.vix_close_pts - excursions.spx_rv21_pts as vrp_pts,
    pow(excursions.vix_close_pts, 2) - pow(excursions.spx_rv21_pts, 2) as variance_premium,
    case when premium_ranks.sessions >= parameter.percentile_least_sessions then premium_ranks.pctile end as vrp_pctile,
    excursions.vix_close_pts / sqrt(252) / 100 as edr_frac,
    excursions.vix_close_pts / sqrt(365) / 100 as edr_calendar_frac,
    (
        parameter.blend_weight * excursions.vix9d_close_pts
        + (1 - parameter.blend_weight) * excursions.spx_hv20_pts
    ) / sqrt(252) / 100 as edr_blend_frac,
    excursions.spx_high_252d_pts,
    excursions.spx_close_pts / excursions.spx_high_252d_pts - 1 as spx_from_high_frac,
    excursions.vix_close_pts / nullif(excursions.spx_rv21_pts, 0) - 1 as vix_over_rv21_frac
from excursions
cross join parameter
left join premium_ranks on premium_ranks.trade_date = excursions.trade_date
order by excursions.trade_date
