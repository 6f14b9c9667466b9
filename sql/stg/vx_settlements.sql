-- model: stg.vx_settlements
-- grain: source_format, trade_date, expiry_date
-- reads: stg.vx_contract_rows
-- what: the usable settlements of both file formats, with prices that no trade stands behind set to NULL
-- source: Cboe contract files
-- edge: without volume, open and close are printed as 0 and high and low are quotes: all four are NULL
select
    source_format,
    file_name,
    line_no,
    trade_date,
    expiry_date,
    is_monthly,
    settle_pts,
    case when is_traded and open_read between low_read and high_read then open_read end as open_pts,
    case when is_traded and high_read >= low_read then high_read end as high_pts,
    case when is_traded and high_read >= low_read then low_read end as low_pts,
    case when is_traded and close_read between low_read and high_read then close_read end as close_pts,
    is_traded and not coalesce(open_read between low_read and high_read, true) as is_open_nulled,
    is_traded and not coalesce(close_read between low_read and high_read, true) as is_close_nulled,
    volume_contracts,
    open_interest_contracts,
    doubt
from (
    select *, coalesce(volume_contracts > 0 and least(open_read, high_read, low_read, close_read) > 0, false) as is_traded
    from stg.vx_contract_rows
    where reject_reason is null
)
