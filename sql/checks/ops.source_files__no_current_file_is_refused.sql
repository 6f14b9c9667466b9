-- check: ops.source_files__no_current_file_is_refused
-- severity: warn
-- what: the newest version of every file is what it claims to be (a refused version is kept, and the one before is used)
select publisher, file_name, refusal, fetched_at_utc
from ops.source_files
where sha256 is not null
-- judged after the newest version is found: a refused one that a good one has followed is history
qualify fetched_at_utc = max(fetched_at_utc) over (partition by publisher, file_name) and refusal is not null
