-- model: mart.daily_signals
-- grain: trade_date
-- reads: mart.daily_term_structure, mart.daily_momentum, mart.daily_realised_volatility, mart.daily_breadth_divergence, mart.daily_sensitivities, mart.daily_chain_signals, mart.daily_macro, core.daily_vx_listings, core.daily_index_levels, ref.parameters
-- what: everything the hedge's rules may look at, one row a session: curve, momentum, volatility, breadth, sensitivities, the option chain and the context, each as known on the evening of the session
-- source: methodology sections 3, 4, 6, 13 (docs/methodology.md); when a value becomes known and what explains its absence: ref.signals
-- edge: a missing or stale input makes a signal NULL and its group's status says why; mart.daily_signal_gaps says it for every single signal
with
parameter as (
    select
        max(value) filter (parameter = 'rsi_overheated') as rsi_overheated,
        max(value) filter (parameter = 'rsi_extreme') as rsi_extreme,
        max(value) filter (parameter = 'breadth_meaningful_z') as breadth_meaningful_z,
        max(value) filter (parameter = 'big_top_from_high_frac') as big_top_from_high,
        max(value) filter (parameter = 'big_top_rsi') as big_top_rsi,
        max(value) filter (parameter = 'big_top_vix_over_rv_frac') as big_top_vix_over_rv,
        max(value) filter (parameter = 'big_top_contango_frac') as big_top_contango,
        max(value) filter (parameter = 'percentile_least_sessions') as percentile_least_sessions,
        max(value) filter (parameter = 'momentum_longest_gap_sessions') as longest_gap
    from ref.parameters
),

front as (
    select trade_date, trading_days_to_expiry as vx1_trading_days_to_expiry
    from core.daily_vx_listings
    where tenor_rank = 1
),

vvix as (
    select
        trade_date,
        close_pts as vvix_close_pts,
        count(*) over (order by trade_date) as sessions,
        cume_dist(order by close_pts) over (order by trade_date rows unbounded preceding) as pctile
    from core.daily_index_levels
    where index_code = 'VVIX'
),

-- The MACD passes over sessions without a slope, and so does its convergence: the session before is the
-- one before that has a histogram, unless the smoothing started anew in between.
histograms as (
    select
        trade_date,
        ts_macd_histogram_log as histogram,
        case when session_no - lag(session_no) over by_day <= longest_step then lag(ts_macd_histogram_log) over by_day end
            as histogram_before,
        case
            when session_no - lag(session_no) over by_day <= longest_step
                and lag(session_no) over by_day - lag(session_no, 2) over by_day <= longest_step
                then lag(ts_macd_histogram_log, 2) over by_day
        end as histogram_two_before
    from (
        select
            momentum.trade_date,
            momentum.ts_macd_histogram_log,
            row_number() over (order by momentum.trade_date) as session_no,
            1 + parameter.longest_gap as longest_step
        from mart.daily_momentum as momentum
        cross join parameter
    )
    where ts_macd_histogram_log is not null
    window by_day as (order by trade_date)
),

-- smaller than the session before, two sessions running, or on the other side of the signal line
convergence as (
    select
        trade_date,
        (abs(histogram) < abs(histogram_before) and abs(histogram_before) < abs(histogram_two_before))
        or sign(histogram) <> sign(histogram_before) as is_ts_macd_converging
    from histograms
),

big_top as (
    select
        curve.trade_date,
        volatility.spx_from_high_frac >= -parameter.big_top_from_high as is_spx_near_high,
        momentum.spx_rsi14 >= parameter.big_top_rsi as is_spx_overbought,
        volatility.vix_over_rv21_frac >= parameter.big_top_vix_over_rv as is_vix_rich,
        curve.contango_frac >= parameter.big_top_contango as is_contango_rich
    from mart.daily_term_structure as curve
    cross join parameter
    left join mart.daily_momentum as momentum on momentum.trade_date = curve.trade_date
    left join mart.daily_realised_volatility as volatility on volatility.trade_date = curve.trade_date
)

select
    curve.trade_date,

    -- spot volatility
    curve.vix_close_pts,
    curve.vol_level,
    curve.vix_pctile,
    volatility.vix9d_close_pts,
    curve.vix_vix3m_ratio,
    volatility.edr_frac,
    volatility.edr_calendar_frac,
    volatility.edr_blend_frac,
    case when curve.vix_close_pts is null then 'absent' else 'ok' end as vix_status,

    -- curve
    curve.vx1_settle_pts,
    curve.vx2_settle_pts,
    front.vx1_trading_days_to_expiry,
    curve.contango_frac,
    curve.contango_4_7_frac,
    curve.basis_frac,
    curve.daily_roll_pts,
    curve.cm30_pts,
    curve.cm60_pts,
    curve.cm90_pts,
    curve.cm_slope_log,
    curve.roll_down_front_frac,
    curve.roll_down_second_frac,
    curve.curve_state,
    curve.curve_regime,
    curve.days_in_regime,
    curve.contango_pctile,
    case when curve.contango_frac is null then 'absent' else 'ok' end as curve_status,

    -- momentum of the curve
    momentum.ts_macd_log,
    momentum.ts_macd_signal_log,
    momentum.ts_macd_histogram_log,
    convergence.is_ts_macd_converging,
    case
        when momentum.ts_macd_histogram_log is not null then 'ok'
        when curve.cm_slope_log is null then 'absent'
        else 'warming_up'
    end as ts_macd_status,

    -- volatility of volatility
    vvix.vvix_close_pts,
    case when vvix.sessions >= parameter.percentile_least_sessions then vvix.pctile end as vvix_pctile,
    momentum.vvix_rsi14,
    momentum.vvix_rsi14 >= parameter.rsi_overheated as is_vvix_overheated,
    momentum.vvix_rsi14 >= parameter.rsi_extreme as is_vvix_extreme,
    case
        when momentum.vvix_rsi14 is not null then 'ok'
        when vvix.vvix_close_pts is null then 'absent'
        else 'warming_up'
    end as vvix_status,

    -- the index and its realised volatility
    volatility.spx_close_pts,
    momentum.spx_rsi14,
    volatility.spx_from_high_frac,
    volatility.spx_rv21_pts,
    volatility.spx_hv20_pts,
    volatility.rv_excursion_z,
    volatility.rv_excursions,
    volatility.vrp_pts,
    volatility.variance_premium,
    volatility.vrp_pctile,
    volatility.vix_over_rv21_frac,
    case
        when volatility.rv_excursion_z is not null then 'ok'
        when volatility.spx_close_pts is null then 'absent'
        else 'warming_up'
    end as spx_status,

    -- the Cash Press: three-valued, one condition that fails settles it
    big_top.is_spx_near_high,
    big_top.is_spx_overbought,
    big_top.is_vix_rich,
    big_top.is_contango_rich,
    big_top.is_spx_near_high and big_top.is_spx_overbought and big_top.is_vix_rich and big_top.is_contango_rich
        as is_big_top,

    -- breadth
    coalesce(breadth.breadth_source, 'none') as breadth_source,
    breadth.nyse_advances_issues,
    breadth.nyse_declines_issues,
    breadth.ad_line_issues,
    breadth.rsp_spy_ratio,
    breadth.ad_divergence_sds,
    breadth.ad_divergence_z,
    abs(breadth.ad_divergence_z) >= parameter.breadth_meaningful_z as is_ad_divergence_meaningful,
    case
        when breadth.ad_divergence_z is not null then 'ok'
        when coalesce(breadth.breadth_source, 'none') = 'none' then 'absent'
        else 'warming_up'
    end as breadth_status,

    -- sensitivities
    sensitivity.vx1_beta_ratio,
    sensitivity.vx2_beta_ratio,
    sensitivity.vx3_beta_ratio,
    sensitivity.vx4_beta_ratio,
    sensitivity.vix_spx_beta_ratio,
    case
        when sensitivity.vx1_beta_ratio is not null and sensitivity.vx2_beta_ratio is not null then 'ok'
        else 'warming_up'
    end as beta_status,
    sensitivity.reit_vix_corr,
    case
        when sensitivity.reit_vix_corr is not null then 'ok'
        when sensitivity.is_reit_priced then 'warming_up'
        else 'absent'
    end as reit_status,

    -- VIX option chain
    chain.chain_front_expiry_date,
    chain.chain_implied_future_pts,
    chain.chain_parity_gap_pts,
    chain.chain_atm_vol_frac,
    chain.chain_skew_25d_frac,
    chain.chain_term_exponent,
    chain.chain_quotes,
    chain.chain_quotes_dropped,
    case when chain.chain_quotes is null then 'absent' else 'ok' end as chain_status,

    -- rates
    macro.bill_discount_rate_frac,
    macro.bill_known_date,
    macro.bill_status,

    -- policy
    macro.policy_rate_frac,
    macro.policy_known_date,
    macro.policy_status,

    -- consumer prices
    macro.cpi_yoy_frac,
    macro.cpi_mom_frac,
    macro.cpi_surprise_frac,
    macro.cpi_surprise_z,
    macro.cpi_known_date,
    macro.cpi_known_basis,
    macro.cpi_status,
    macro.cpi_mom_status,
    macro.cpi_surprise_status,
    macro.cpi_surprise_z_status,

    -- producer prices
    macro.ppi_yoy_frac,
    macro.ppi_mom_frac,
    macro.ppi_surprise_frac,
    macro.ppi_surprise_z,
    macro.ppi_known_date,
    macro.ppi_known_basis,
    macro.ppi_status,
    macro.ppi_mom_status,
    macro.ppi_surprise_status,
    macro.ppi_surprise_z_status,

    -- output
    macro.gdp_growth_yoy_frac,
    macro.gdp_growth_qoq_annualised_frac,
    macro.gdp_cycle,
    macro.gdp_known_date,
    macro.gdp_known_basis,
    macro.gdp_status,

    -- recessions as announced
    macro.nber_phase,
    macro.nber_known_date,
    macro.nber_status,

    -- the dollar
    macro.reer_change_3m_log,
    macro.reer_shift_z,
    macro.reer_known_date,
    macro.reer_known_basis,
    macro.reer_status,
    macro.reer_shift_status,

    -- valuation of the index
    macro.pe_ttm_ratio,
    macro.pe_change_12m_frac,
    macro.is_pe_compressing,
    macro.pe_known_date,
    macro.pe_status,
    macro.pe_change_status,

    -- sectors, from the user's file
    macro.sector_price_to_cash_flow_ratio,
    macro.sector_known_date,
    macro.sector_status,

    -- volatility funds
    macro.vol_etp_net_assets_usd,
    macro.vol_etp_status,
    macro.etp_launches_12m,
    macro.etp_listed,
    macro.etp_launches_status,

    -- central bank
    macro.next_fomc_date,
    macro.next_fomc_basis,
    macro.sessions_to_fomc_decision,
    macro.sessions_since_fomc_decision,
    macro.is_fomc_window,
    macro.fomc_event_status,

    -- its minutes
    macro.next_fomc_minutes_date,
    macro.sessions_to_fomc_minutes,
    macro.sessions_since_fomc_minutes,
    macro.is_fomc_minutes_window,
    macro.fomc_minutes_event_status,

    -- release of consumer prices
    macro.next_cpi_date,
    macro.next_cpi_basis,
    macro.sessions_to_cpi_release,
    macro.sessions_since_cpi_release,
    macro.is_cpi_window,
    macro.cpi_event_status,

    -- release of producer prices
    macro.next_ppi_date,
    macro.next_ppi_basis,
    macro.sessions_to_ppi_release,
    macro.sessions_since_ppi_release,
    macro.is_ppi_window,
    macro.ppi_event_status,

    -- any event that the governor looks at
    macro.is_macro_event_window,
    macro.macro_event_status
from mart.daily_term_structure as curve
cross join parameter
left join front on front.trade_date = curve.trade_date
left join mart.daily_momentum as momentum on momentum.trade_date = curve.trade_date
left join convergence on convergence.trade_date = curve.trade_date
left join mart.daily_realised_volatility as volatility on volatility.trade_date = curve.trade_date
left join vvix on vvix.trade_date = curve.trade_date
left join big_top on big_top.trade_date = curve.trade_date
left join mart.daily_breadth_divergence as breadth on breadth.trade_date = curve.trade_date
left join mart.daily_sensitivities as sensitivity on sensitivity.trade_date = curve.trade_date
left join mart.daily_chain_signals as chain on chain.trade_date = curve.trade_date
left join mart.daily_macro as macro on macro.trade_date = curve.trade_date
order by curve.trade_date
