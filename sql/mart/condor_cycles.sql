-- model: mart.condor_cycles
-- grain: expiry_date
-- reads: core.daily_hedge_inputs, ref.parameters
-- what: what became of each monthly condor: strikes, credit, largest loss and result, model-priced
-- source: Cboe S&P 500 Iron Condor Index (CNDR), description; model volatility of decision 0019 (docs/book.md)
-- edge: a condor that could not be opened or settled has no result and says why
-- compute: transforms.portfolio.models.compute_condor_cycles
with
parameter as (
    select
        max(value) filter (parameter = 'model_nav_usd') as model_nav_usd,
        max(value) filter (parameter = 'condor_largest_loss_frac') as condor_largest_loss_frac,
        max(value) filter (parameter = 'condor_short_delta') as condor_short_delta,
        max(value) filter (parameter = 'condor_wing_delta') as condor_wing_delta,
        max(value) filter (parameter = 'condor_skew_slope') as condor_skew_slope,
        max(value) filter (parameter = 'condor_atm_to_vix_ratio') as condor_atm_to_vix_ratio,
        max(value) filter (parameter = 'condor_least_volatility_frac') as condor_least_volatility_frac,
        max(value) filter (parameter = 'condor_dividend_yield_frac') as condor_dividend_yield_frac,
        max(value) filter (parameter = 'condor_strike_step_pts') as condor_strike_step_pts,
        max(value) filter (parameter = 'condor_far_strike_step_pts') as condor_far_strike_step_pts,
        max(value) filter (parameter = 'condor_far_from_log') as condor_far_from_log,
        max(value) filter (parameter = 'condor_open_latest_sessions') as condor_open_latest_sessions,
        max(value) filter (parameter = 'spx_option_multiplier_usd') as spx_option_multiplier_usd
    from ref.parameters
)

select
    market.trade_date,
    market.spx_close_pts,
    market.vix_close_pts,
    market.vix9d_close_pts,
    market.vix3m_close_pts,
    market.bill_discount_rate_frac,
    parameter.model_nav_usd,
    parameter.condor_largest_loss_frac,
    parameter.condor_short_delta,
    parameter.condor_wing_delta,
    parameter.condor_skew_slope,
    parameter.condor_atm_to_vix_ratio,
    parameter.condor_least_volatility_frac,
    parameter.condor_dividend_yield_frac,
    parameter.condor_strike_step_pts,
    parameter.condor_far_strike_step_pts,
    parameter.condor_far_from_log,
    parameter.condor_open_latest_sessions,
    parameter.spx_option_multiplier_usd
from core.daily_hedge_inputs as market
cross join parameter
order by market.trade_date
