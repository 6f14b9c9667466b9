-- model: core.settlement_differences
-- grain: trade_date, expiry_date
-- reads: stg.vx_settlements, stg.vx_same_evening_rows
-- what: sessions and contracts for which two sources state different settlements
-- source: contract file against same-evening table, and against the archive
-- edge: core.daily_vx_settlements uses the contract file; this table says what that choice changed
select
    contract_file.trade_date,
    contract_file.expiry_date,
    contract_file.settle_pts as contract_file_pts,
    archive_file.settle_pts as archive_file_pts,
    same_evening.settle_pts as same_evening_pts
from stg.vx_settlements as contract_file
left join stg.vx_settlements as archive_file
    on archive_file.source_format = 'archive'
    and archive_file.trade_date = contract_file.trade_date
    and archive_file.expiry_date = contract_file.expiry_date
left join stg.vx_same_evening_rows as same_evening
    on same_evening.reject_reason is null
    and same_evening.trade_date = contract_file.trade_date
    and same_evening.expiry_date = contract_file.expiry_date
where contract_file.source_format = 'current'
    and (
        abs(archive_file.settle_pts - contract_file.settle_pts) > 1e-9
        or abs(same_evening.settle_pts - contract_file.settle_pts) > 1e-9
    )
