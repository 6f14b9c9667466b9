-- check: stg.vx_contract_rows__newest_lines_are_usable
-- severity: error
-- what: on the newest session no line of a monthly contract was rejected as implausible or unreadable
select row_.file_name, row_.line_no, row_.reject_reason, row_.line_text
from stg.vx_contract_rows as row_
where row_.is_monthly
    and row_.trade_date >= (select max(trade_date) from mart.daily_term_structure)
    and row_.reject_reason not in ('settle_not_published', 'duplicate_of_an_earlier_line', 'not_a_futures_session')
