-- model: core.daily_index_levels
-- grain: trade_date, index_code
-- reads: stg.index_level_rows
-- what: one level a session and index
-- source: Cboe index histories
-- edge: sessions without a row stay without a row; nothing is carried forward
select
    trade_date,
    index_code,
    open_pts,
    high_pts,
    low_pts,
    close_pts
from stg.index_level_rows
where reject_reason is null
order by trade_date, index_code
