-- model: stg.vx_settlements
-- grain: source_format, trade_date, expiry_date
-- reads: stg.vx_contract_rows
-- what: the usable settlements of both file formats, with prices that no trade stands behind set to NULL
-- source: Cboe contract files
-- edge: without volume, open and close are printed as 0 and high and low are quotes: all four are NULL
with
judged as (
    select
        *,
        volume_contracts > 0 as has_volume,
        coalesce(least(open_read, high_read, low_read, close_read) > 0, false)
        and open_read is not null and high_read is not null and low_read is not null and close_read is not null
            as has_prices
    from stg.vx_contract_rows
    where reject_reason is null
)

select
    source_format,
    file_name,
    line_no,
    trade_date,
    expiry_date,
    is_monthly,
    settle_pts,
    case when has_volume and has_prices and open_read between low_read and high_read then open_read end as open_pts,
    case when has_volume and has_prices and high_read >= low_read then high_read end as high_pts,
    case when has_volume and has_prices and high_read >= low_read then low_read end as low_pts,
    case when has_volume and has_prices and close_read between low_read and high_read then close_read end as close_pts,
    case
        when not has_volume then null
        when not has_prices then 'traded_without_prices'
        when not close_read between low_read and high_read then 'close_outside_high_low'
        when not open_read between low_read and high_read then 'open_outside_high_low'
    end as nulled_reason,
    volume_contracts,
    open_interest_contracts,
    doubt
from judged
