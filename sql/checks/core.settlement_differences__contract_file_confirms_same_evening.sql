-- check: core.settlement_differences__contract_file_confirms_same_evening
-- severity: warn
-- what: in the last ten sessions no contract file states another settlement than the same-evening table did
select trade_date, expiry_date, contract_file_pts, same_evening_pts
from core.settlement_differences
where same_evening_pts is not null
    and abs(same_evening_pts - contract_file_pts) > 1e-9
    and trade_date >= (select max(trade_date) - 14 from mart.daily_term_structure)
order by trade_date desc, abs(same_evening_pts - contract_file_pts) desc
