-- model: mart.daily_sensitivities
-- grain: trade_date
-- reads: mart.daily_term_structure, core.daily_vx_listings, core.daily_vx_settlements, core.daily_index_levels, core.daily_price_bars, ref.parameters
-- what: rolling sensitivities of each session: VX1..VX4 to spot VIX, VIX to the S&P 500, and the correlation of REITs with VIX
-- source: methodology sections 5 and 13 (docs/methodology.md); parameters in transforms/parameters.toml
-- edge: a contract's change is its own from one session to the next, under the rank it had the day before: no jump at a roll; a change runs from one session of the curve to the next
with
parameter as (
    select
        max(value) filter (parameter = 'beta_window_sessions')::bigint as beta_sessions,
        max(value) filter (parameter = 'beta_least_coverage_frac') as least_coverage,
        max(value) filter (parameter = 'reit_window_sessions')::bigint as reit_sessions
    from ref.parameters
),

closes as (
    select
        trade_date,
        max(close_pts) filter (index_code = 'VIX') as vix_close_pts,
        max(close_pts) filter (index_code = 'SPX') as spx_close_pts
    from core.daily_index_levels
    group by trade_date
),

session_changes as (
    select
        curve.trade_date,
        lag(curve.trade_date) over by_day as previous_date,
        closes.vix_close_pts - lag(closes.vix_close_pts) over by_day as vix_change_pts,
        ln(closes.vix_close_pts / lag(closes.vix_close_pts) over by_day) as vix_change_log,
        ln(closes.spx_close_pts / lag(closes.spx_close_pts) over by_day) as spx_change_log,
        ln(vnq.close_usd / lag(vnq.close_usd) over by_day) as vnq_change_log
    from mart.daily_term_structure as curve
    left join closes on closes.trade_date = curve.trade_date
    left join core.daily_price_bars as vnq on vnq.trade_date = curve.trade_date and vnq.symbol = 'VNQ'
    window by_day as (order by curve.trade_date)
),

-- Each contract under the rank it had the session before. On its last day it settles at the open: its holder's
-- gain, but not a change that day's VIX close explains.
contract_changes as (
    select
        day.trade_date,
        listing.tenor_rank,
        today.settle_pts - before.settle_pts as change_pts,
        today.expiry_date = today.trade_date as is_last_day
    from session_changes as day
    join core.daily_vx_listings as listing on listing.trade_date = day.previous_date and listing.tenor_rank <= 4
    join core.daily_vx_settlements as before
        on before.trade_date = listing.trade_date and before.expiry_date = listing.expiry_date
    join core.daily_vx_settlements as today
        on today.trade_date = day.trade_date and today.expiry_date = listing.expiry_date
),

futures_changes as (
    select
        trade_date,
        max(change_pts) filter (tenor_rank = 1 and not is_last_day) as vx1_change_pts,
        max(change_pts) filter (tenor_rank = 2 and not is_last_day) as vx2_change_pts,
        max(change_pts) filter (tenor_rank = 3 and not is_last_day) as vx3_change_pts,
        max(change_pts) filter (tenor_rank = 4 and not is_last_day) as vx4_change_pts,
        max(change_pts) filter (tenor_rank = 1) as vx1_held_change_pts,
        max(change_pts) filter (tenor_rank = 2) as vx2_held_change_pts
    from contract_changes
    group by trade_date
),

paired as (
    select day.*, futures.* exclude (trade_date)
    from session_changes as day
    left join futures_changes as futures on futures.trade_date = day.trade_date
),

slopes as (
    select
        paired.trade_date,
        case
            when regr_count(vx1_change_pts, vix_change_pts) over recent >= parameter.least_coverage * parameter.beta_sessions
                then regr_slope(vx1_change_pts, vix_change_pts) over recent
        end as vx1_beta_ratio,
        case
            when regr_count(vx2_change_pts, vix_change_pts) over recent >= parameter.least_coverage * parameter.beta_sessions
                then regr_slope(vx2_change_pts, vix_change_pts) over recent
        end as vx2_beta_ratio,
        case
            when regr_count(vx3_change_pts, vix_change_pts) over recent >= parameter.least_coverage * parameter.beta_sessions
                then regr_slope(vx3_change_pts, vix_change_pts) over recent
        end as vx3_beta_ratio,
        case
            when regr_count(vx4_change_pts, vix_change_pts) over recent >= parameter.least_coverage * parameter.beta_sessions
                then regr_slope(vx4_change_pts, vix_change_pts) over recent
        end as vx4_beta_ratio,
        case
            when regr_count(vix_change_log, spx_change_log) over recent >= parameter.least_coverage * parameter.beta_sessions
                then regr_slope(vix_change_log, spx_change_log) over recent
        end as vix_spx_beta_ratio,
        case
            when vnq_change_log is not null
                and regr_count(vnq_change_log, vix_change_log) over quarter
                >= parameter.least_coverage * parameter.reit_sessions
                then corr(vnq_change_log, vix_change_log) over quarter
        end as reit_vix_corr,
        vnq_change_log is not null as is_reit_priced,
        vx1_held_change_pts,
        vx2_held_change_pts
    from paired
    cross join parameter
    window
        recent as (order by paired.trade_date rows between (parameter.beta_sessions - 1) preceding and current row),
        quarter as (order by paired.trade_date rows between (parameter.reit_sessions - 1) preceding and current row)
)

select
    trade_date,
    vx1_held_change_pts,
    vx2_held_change_pts,
    vx1_beta_ratio,
    vx2_beta_ratio,
    vx3_beta_ratio,
    vx4_beta_ratio,
    vix_spx_beta_ratio,
    reit_vix_corr,
    is_reit_priced
from slopes
order by trade_date
