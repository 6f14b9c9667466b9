-- check: ops.source_files__no_current_file_is_refused
-- severity: warn
-- what: the newest version of every file is what it claims to be (a refused version is kept, and the one before is used)
select publisher, file_name, refusal, fetched_at_utc
from ops.source_files
where refusal is not null
qualify fetched_at_utc = max(fetched_at_utc) over (partition by publisher, file_name)
