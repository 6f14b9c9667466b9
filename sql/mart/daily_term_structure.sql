-- model: mart.daily_term_structure
-- grain: trade_date
-- reads: core.daily_vx_listings, core.daily_vx_settlements, core.daily_index_levels, ref.parameters
-- what: the VIX futures curve of each session: VX1..VX9, slopes, constant maturities, roll-down, levels, regime with hysteresis, percentiles
-- source: methodology sections 2 and 3 (docs/methodology.md); parameters and their provenance in transforms/parameters.toml
-- edge: every input is of the same session; what is missing is NULL and is not replaced by a neighbour or an earlier value
with
parameter as (
    select
        max(value) filter (parameter = 'curve_flat_from_frac') as flat_from,
        max(value) filter (parameter = 'curve_contango_from_frac') as contango_from,
        max(value) filter (parameter = 'curve_steep_from_frac') as steep_from,
        max(value) filter (parameter = 'regime_band_frac') as band,
        max(value) filter (parameter = 'regime_confirm_days')::bigint as confirm_days,
        max(value) filter (parameter = 'roll_least_trading_days') as roll_least_days,
        max(value) filter (parameter = 'percentile_least_sessions') as percentile_least_sessions,
        max(value) filter (parameter = 'vix_level_1_pts') as vix_level_1,
        max(value) filter (parameter = 'vix_level_2_pts') as vix_level_2,
        max(value) filter (parameter = 'vix_level_3_pts') as vix_level_3,
        max(value) filter (parameter = 'vix_level_4_pts') as vix_level_4
    from ref.parameters
),

curve as (
    select
        listing.trade_date,
        listing.expiry_date,
        listing.tenor_rank,
        settled.settle_pts,
        listing.trading_days_to_expiry,
        listing.calendar_days_to_expiry as days,
        lead(settled.settle_pts) over later_month as next_settle_pts,
        lead(listing.calendar_days_to_expiry) over later_month as next_days
    from core.daily_vx_listings as listing
    left join core.daily_vx_settlements as settled
        on settled.trade_date = listing.trade_date and settled.expiry_date = listing.expiry_date
    window later_month as (partition by listing.trade_date order by listing.expiry_date)
),

ranks as (
    select
        trade_date,
        max(settle_pts) filter (tenor_rank = 1) as vx1_settle_pts,
        max(settle_pts) filter (tenor_rank = 2) as vx2_settle_pts,
        max(settle_pts) filter (tenor_rank = 3) as vx3_settle_pts,
        max(settle_pts) filter (tenor_rank = 4) as vx4_settle_pts,
        max(settle_pts) filter (tenor_rank = 5) as vx5_settle_pts,
        max(settle_pts) filter (tenor_rank = 6) as vx6_settle_pts,
        max(settle_pts) filter (tenor_rank = 7) as vx7_settle_pts,
        max(settle_pts) filter (tenor_rank = 8) as vx8_settle_pts,
        max(settle_pts) filter (tenor_rank = 9) as vx9_settle_pts,
        max(expiry_date) filter (tenor_rank = 1) as vx1_expiry_date,
        max(expiry_date) filter (tenor_rank = 2) as vx2_expiry_date,
        max(expiry_date) filter (tenor_rank = 3) as vx3_expiry_date,
        max(expiry_date) filter (tenor_rank = 4) as vx4_expiry_date,
        max(expiry_date) filter (tenor_rank = 5) as vx5_expiry_date,
        max(expiry_date) filter (tenor_rank = 6) as vx6_expiry_date,
        max(expiry_date) filter (tenor_rank = 7) as vx7_expiry_date,
        max(expiry_date) filter (tenor_rank = 8) as vx8_expiry_date,
        max(expiry_date) filter (tenor_rank = 9) as vx9_expiry_date
    from curve
    group by trade_date
),

-- weight of the nearer month: (T2 - target) / (T2 - T1), in calendar days
maturities as (
    select
        curve.trade_date,
        max(interpolated.pts) filter (target.days = 30) as cm30_pts,
        max(interpolated.pts) filter (target.days = 60) as cm60_pts,
        max(interpolated.pts) filter (target.days = 90) as cm90_pts
    from curve
    join (values (30), (60), (90)) as target (days)
        on curve.days = target.days or (curve.days < target.days and curve.next_days > target.days)
    cross join lateral (
        select
            case
                when curve.days = target.days then curve.settle_pts
                else (
                    (curve.next_days - target.days) * curve.settle_pts
                    + (target.days - curve.days) * curve.next_settle_pts
                ) / (curve.next_days - curve.days)
            end as pts
    ) as interpolated
    group by curve.trade_date
),

roll_month as (
    select curve.trade_date, curve.settle_pts, curve.trading_days_to_expiry
    from curve
    cross join parameter
    where curve.trading_days_to_expiry >= parameter.roll_least_days
    qualify row_number() over (partition by curve.trade_date order by curve.expiry_date) = 1
),

index_closes as (
    select
        trade_date,
        max(close_pts) filter (index_code = 'VIX') as vix_close_pts,
        max(close_pts) filter (index_code = 'VIX3M') as vix3m_close_pts
    from core.daily_index_levels
    group by trade_date
),

measures as (
    select
        ranks.*,
        closes.vix_close_pts,
        ranks.vx2_settle_pts / ranks.vx1_settle_pts - 1 as contango_frac,
        ranks.vx7_settle_pts / ranks.vx4_settle_pts - 1 as contango_4_7_frac,
        ranks.vx1_settle_pts / closes.vix_close_pts - 1 as basis_frac,
        (roll_month.settle_pts - closes.vix_close_pts) / roll_month.trading_days_to_expiry as daily_roll_pts,
        closes.vix_close_pts / closes.vix3m_close_pts as vix_vix3m_ratio,
        maturities.cm30_pts,
        maturities.cm60_pts,
        maturities.cm90_pts,
        ln(maturities.cm60_pts / maturities.cm30_pts) as cm_slope_log,
        closes.vix_close_pts / maturities.cm30_pts - 1 as roll_down_front_frac,
        maturities.cm30_pts / maturities.cm60_pts - 1 as roll_down_second_frac
    from ranks
    left join index_closes as closes on closes.trade_date = ranks.trade_date
    left join maturities on maturities.trade_date = ranks.trade_date
    left join roll_month on roll_month.trade_date = ranks.trade_date
),

-- One latch an edge: it closes after confirm_days closes in a row beyond edge + band and opens after
-- as many below edge - band. Latches of higher edges imply those of lower ones, so the regime is
-- the number of closed latches.
latch_events as (
    select
        measures.trade_date,
        edge.edge_no,
        case
            when row_number() over by_edge = 1 then (measures.contango_frac >= edge.edge_frac)
            when count(*) over recent < parameter.confirm_days then null
            when min(measures.contango_frac) over recent > edge.edge_frac + parameter.band then true
            when max(measures.contango_frac) over recent < edge.edge_frac - parameter.band then false
        end as latch_event
    from measures
    cross join parameter
    cross join lateral (
        values (1, parameter.flat_from), (2, parameter.contango_from), (3, parameter.steep_from)
    ) as edge (edge_no, edge_frac)
    where measures.contango_frac is not null
    window
        by_edge as (partition by edge.edge_no order by measures.trade_date),
        recent as (
            partition by edge.edge_no order by measures.trade_date
            rows between (parameter.confirm_days - 1) preceding and current row
        )
),

latches as (
    select
        trade_date,
        last_value(latch_event ignore nulls) over (partition by edge_no order by trade_date) as is_above
    from latch_events
),

regimes as (
    select
        trade_date,
        (['backwardation', 'flat', 'contango', 'steep'])[1 + count_if(is_above)::integer] as curve_regime
    from latches
    group by trade_date
),

regime_starts as (
    select
        trade_date,
        curve_regime,
        coalesce(curve_regime <> lag(curve_regime) over (order by trade_date), true) as is_start
    from regimes
),

regime_spells as (
    select trade_date, curve_regime, count_if(is_start) over (order by trade_date) as spell_no
    from regime_starts
),

regime_days as (
    select
        trade_date,
        curve_regime,
        row_number() over (partition by spell_no order by trade_date) as days_in_regime
    from regime_spells
),

contango_ranks as (
    select
        trade_date,
        count(*) over (order by trade_date) as sessions,
        cume_dist(order by contango_frac) over (order by trade_date rows unbounded preceding) as pctile
    from measures
    where contango_frac is not null
),

vix_ranks as (
    select
        trade_date,
        count(*) over (order by trade_date) as sessions,
        cume_dist(order by vix_close_pts) over (order by trade_date rows unbounded preceding) as pctile
    from measures
    where vix_close_pts is not null
)

select
    measures.trade_date,
    measures.vix_close_pts,
    measures.vx1_settle_pts,
    measures.vx2_settle_pts,
    measures.vx3_settle_pts,
    measures.vx4_settle_pts,
    measures.vx5_settle_pts,
    measures.vx6_settle_pts,
    measures.vx7_settle_pts,
    measures.vx8_settle_pts,
    measures.vx9_settle_pts,
    measures.vx1_expiry_date,
    measures.vx2_expiry_date,
    measures.vx3_expiry_date,
    measures.vx4_expiry_date,
    measures.vx5_expiry_date,
    measures.vx6_expiry_date,
    measures.vx7_expiry_date,
    measures.vx8_expiry_date,
    measures.vx9_expiry_date,
    measures.contango_frac,
    measures.contango_4_7_frac,
    measures.basis_frac,
    measures.daily_roll_pts,
    measures.vix_vix3m_ratio,
    measures.cm30_pts,
    measures.cm60_pts,
    measures.cm90_pts,
    measures.cm_slope_log,
    measures.roll_down_front_frac,
    measures.roll_down_second_frac,
    case
        when measures.vix_close_pts < parameter.vix_level_1 then format('<{:g}', parameter.vix_level_1)
        when measures.vix_close_pts < parameter.vix_level_2
            then format('{:g}-{:g}', parameter.vix_level_1, parameter.vix_level_2)
        when measures.vix_close_pts < parameter.vix_level_3
            then format('{:g}-{:g}', parameter.vix_level_2, parameter.vix_level_3)
        when measures.vix_close_pts < parameter.vix_level_4
            then format('{:g}-{:g}', parameter.vix_level_3, parameter.vix_level_4)
        when measures.vix_close_pts >= parameter.vix_level_4 then format('>={:g}', parameter.vix_level_4)
    end as vol_level,
    case
        when measures.contango_frac < parameter.flat_from then 'backwardation'
        when measures.contango_frac < parameter.contango_from then 'flat'
        when measures.contango_frac < parameter.steep_from then 'contango'
        when measures.contango_frac >= parameter.steep_from then 'steep'
    end as curve_state,
    regime_days.curve_regime,
    regime_days.days_in_regime,
    case when contango_ranks.sessions >= parameter.percentile_least_sessions then contango_ranks.pctile end as contango_pctile,
    case when vix_ranks.sessions >= parameter.percentile_least_sessions then vix_ranks.pctile end as vix_pctile
from measures
cross join parameter
left join regime_days on regime_days.trade_date = measures.trade_date
left join contango_ranks on contango_ranks.trade_date = measures.trade_date
left join vix_ranks on vix_ranks.trade_date = measures.trade_date
order by measures.trade_date
