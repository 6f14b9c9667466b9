-- model: main.index_levels
-- grain: trade_date, index_code
-- reads: core.daily_index_levels
-- what: open, high, low and close of every index, short name of core.daily_index_levels
-- source: Cboe index histories
-- edge: of the index's own sessions; nothing is carried
select
    trade_date,
    index_code,
    open_pts,
    high_pts,
    low_pts,
    close_pts
from core.daily_index_levels
