-- model: mart.daily_momentum
-- grain: trade_date
-- reads: mart.daily_term_structure, core.daily_index_levels, ref.parameters
-- what: recursive indicators of each session: MACD of the constant-maturity slope, Wilder's RSI of VVIX and of the S&P 500
-- source: methodology section 4 (docs/methodology.md); TA-Lib through transforms/indicators.py
-- edge: a session without the input has no indicator and is passed over; after a gap of more than momentum_longest_gap_sessions the smoothing starts anew
-- compute: transforms.indicators.compute_momentum
with
parameter as (
    select
        max(value) filter (parameter = 'macd_fast_sessions') as macd_fast_sessions,
        max(value) filter (parameter = 'macd_slow_sessions') as macd_slow_sessions,
        max(value) filter (parameter = 'macd_signal_sessions') as macd_signal_sessions,
        max(value) filter (parameter = 'momentum_longest_gap_sessions') as momentum_longest_gap_sessions
    from ref.parameters
),

closes as (
    select
        trade_date,
        max(close_pts) filter (index_code = 'VVIX') as vvix_close_pts,
        max(close_pts) filter (index_code = 'SPX') as spx_close_pts
    from core.daily_index_levels
    group by trade_date
)

select
    curve.trade_date,
    curve.cm_slope_log,
    closes.vvix_close_pts,
    closes.spx_close_pts,
    parameter.macd_fast_sessions,
    parameter.macd_slow_sessions,
    parameter.macd_signal_sessions,
    parameter.momentum_longest_gap_sessions
from mart.daily_term_structure as curve
cross join parameter
left join closes on closes.trade_date = curve.trade_date
order by curve.trade_date
