-- check: ops.quarantined_rows__contract_list_is_clean
-- severity: warn
-- what: Cboe's contract list has no entry that had to be refused (a path of another file, a bad date)
select newest.trade_date, quarantined.reason, quarantined.line_text
from ops.quarantined_rows as quarantined
cross join (select max(trade_date) as trade_date from mart.daily_term_structure) as newest
where quarantined.dataset = 'vx_contract_list'
