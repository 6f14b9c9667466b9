-- check: core.daily_index_levels__no_absurd_move
-- severity: error
-- what: no index moves further between two sessions than it plausibly can (largest_log_move of the index registry)
with
moves as (
    select
        trade_date, index_code, close_pts,
        lag(close_pts) over (partition by index_code order by trade_date) as close_before_pts
    from core.daily_index_levels
)

select moves.trade_date, moves.index_code, moves.close_before_pts, moves.close_pts
from moves
join ref.indices on indices.index_code = moves.index_code
where abs(ln(moves.close_pts / moves.close_before_pts)) > indices.largest_log_move
