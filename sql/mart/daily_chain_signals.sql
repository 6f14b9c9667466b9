-- model: mart.daily_chain_signals
-- grain: trade_date
-- reads: mart.daily_vix_chain
-- what: the VIX option chain of each session in a few numbers: implied future of the front month and its gap, 30-day volatility and skew, term exponent
-- source: methodology section 9; transforms/options
-- edge: 30-day values are interpolated between listed expiries and NULL beyond them; sessions without a snapshot have no row
-- compute: transforms.options.models.compute_option_sessions
select
    trade_date,
    expiry_date,
    is_monthly,
    calendar_days_to_expiry,
    years_to_expiry,
    implied_future_pts,
    parity_gap_pts,
    atm_vol_frac,
    skew_25d_frac,
    quotes,
    quotes_dropped,
    expiry_status
from mart.daily_vix_chain
order by trade_date, expiry_date
