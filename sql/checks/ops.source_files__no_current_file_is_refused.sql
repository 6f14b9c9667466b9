-- check: ops.source_files__no_current_file_is_refused
-- severity: warn
-- what: the newest version of every file is what it claims to be (a refused version is kept, and the one before is used)
select publisher, file_name, refusal, fetched_at_utc
from ops.source_files
where is_newest and refusal is not null
    -- what a user has taken away again is nobody's trouble any more
    and not (publisher = 'user' and absent is not null)
order by all
