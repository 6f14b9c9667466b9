-- model: core.index_cross_checks
-- grain: trade_date, index_code, judged_by
-- reads: core.daily_index_levels, core.settlement_cross_checks, ref.parameters
-- what: how far each index's move is from the one that its companions, or VIX futures, let expect on the same session
-- source: ours, least squares on the exchange's files from 2010 to 2026: docs/faults.md has the counts
-- edge: looks back one session and never forward; where an index or a companion lacks one of the two sessions there is no row, so nothing is compared across a hole
with
weights as (
    select
        max(value) filter (parameter = 'cross_futures_on_vix') as futures_on_vix,
        max(value) filter (parameter = 'cross_vix_on_vix9d') as vix_on_vix9d,
        max(value) filter (parameter = 'cross_vix_on_vix3m') as vix_on_vix3m,
        max(value) filter (parameter = 'cross_vix9d_on_vix') as vix9d_on_vix,
        max(value) filter (parameter = 'cross_vix3m_on_vix') as vix3m_on_vix,
        max(value) filter (parameter = 'cross_vix3m_on_vix6m') as vix3m_on_vix6m,
        max(value) filter (parameter = 'cross_vix6m_on_vix3m') as vix6m_on_vix3m,
        max(value) filter (parameter = 'cross_vvix_on_vix') as vvix_on_vix,
        max(value) filter (parameter = 'cross_spx_on_vix') as spx_on_vix
    from ref.parameters
),

sessions as (
    select trade_date, lag(trade_date) over (order by trade_date) as date_before
    from (select distinct trade_date from core.daily_index_levels where index_code in ('SPX', 'VIX'))
),

levels as (
    select
        trade_date,
        index_code,
        close_pts,
        lag(trade_date) over by_index as date_compared,
        lag(close_pts) over by_index as close_before_pts
    from core.daily_index_levels
    window by_index as (partition by index_code order by trade_date)
),

moves as (
    select levels.trade_date, levels.index_code, ln(levels.close_pts / levels.close_before_pts) as move_log
    from levels
    join sessions on sessions.trade_date = levels.trade_date and sessions.date_before = levels.date_compared
),

beside as (
    select
        trade_date,
        max(move_log) filter (index_code = 'VIX') as vix,
        max(move_log) filter (index_code = 'VIX9D') as vix9d,
        max(move_log) filter (index_code = 'VIX3M') as vix3m,
        max(move_log) filter (index_code = 'VIX6M') as vix6m,
        max(move_log) filter (index_code = 'VVIX') as vvix,
        max(move_log) filter (index_code = 'SPX') as spx
    from moves
    group by trade_date
),

futures as (
    -- of the same two contracts on both sessions, so that no roll is in it
    select trade_date, avg(move_log) as move_log
    from core.settlement_cross_checks
    where tenor_rank <= 2
    group by trade_date
    having count(move_log) = 2
),

judged as (
    select trade_date, 'VIX' as index_code, 'VIX9D and VIX3M' as judged_by, vix as move_log,
        vix_on_vix9d * vix9d + vix_on_vix3m * vix3m as expected_move_log
    from beside cross join weights
    union all
    select beside.trade_date, 'VIX', 'VX1 and VX2', weights.futures_on_vix * beside.vix, futures.move_log
    from beside cross join weights join futures on futures.trade_date = beside.trade_date
    union all
    select trade_date, 'VIX9D', 'VIX', vix9d, vix9d_on_vix * vix from beside cross join weights
    union all
    select trade_date, 'VIX3M', 'VIX and VIX6M', vix3m, vix3m_on_vix * vix + vix3m_on_vix6m * vix6m
    from beside cross join weights
    union all
    select trade_date, 'VIX6M', 'VIX3M', vix6m, vix6m_on_vix3m * vix3m from beside cross join weights
    union all
    select trade_date, 'VVIX', 'VIX', vvix, vvix_on_vix * vix from beside cross join weights
    union all
    select trade_date, 'SPX', 'VIX', spx, spx_on_vix * vix from beside cross join weights
)

select
    trade_date,
    index_code,
    judged_by,
    move_log,
    expected_move_log,
    move_log - expected_move_log as move_gap_log,
    greatest(abs(move_log), abs(expected_move_log)) as larger_move_log
from judged
where move_log - expected_move_log is not null
order by trade_date, index_code, judged_by
