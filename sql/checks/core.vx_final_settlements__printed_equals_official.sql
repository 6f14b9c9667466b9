-- check: core.vx_final_settlements__printed_equals_official
-- severity: warn
-- what: a contract file's final settlement is the exchange's published final settlement value
select expiry_date as trade_date, expiry_date, contract_file_pts, official_final_settle_pts
from core.vx_final_settlements
where abs(contract_file_pts - official_final_settle_pts) > 0.0051
