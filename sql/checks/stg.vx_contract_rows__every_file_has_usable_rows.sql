-- check: stg.vx_contract_rows__every_file_has_usable_rows
-- severity: error
-- what: no contract file is rejected line by line as a whole (another contract's rows, a wrong scale, a wrong table)
select source_format, file_name, count(*) as lines, mode(reject_reason) as commonest_reason
from stg.vx_contract_rows
group by source_format, file_name
having count_if(reject_reason is null) = 0
    and count_if(reject_reason not in ('settle_not_published', 'duplicate_of_an_earlier_line')) > 0
