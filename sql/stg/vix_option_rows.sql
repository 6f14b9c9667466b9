-- model: stg.vix_option_rows
-- grain: snapshot_at_utc, option_symbol
-- reads: raw.vix_option_quotes
-- what: every readable quote of every stored snapshot of the VIX option chain
-- source: Cboe delayed quotes, about 15 minutes behind; parsed by transforms/options/chain.py
-- edge: history exists from the first night on; open interest is of the morning; a published volatility of 0 means none and is NULL
select
    snapshot_at_utc,
    option_symbol,
    option_root,
    expiry_date,
    option_right,
    strike_pts,
    bid_pts,
    ask_pts,
    bid_size_contracts,
    ask_size_contracts,
    published_iv_frac,
    open_interest_contracts::bigint as open_interest_contracts,
    volume_contracts::bigint as volume_contracts,
    index_pts,
    index_at_utc
from raw.vix_option_quotes
-- the same snapshot stored twice (other headers, same quotes) is one
qualify row_number() over (partition by snapshot_at_utc, option_symbol order by file_sha256) = 1
