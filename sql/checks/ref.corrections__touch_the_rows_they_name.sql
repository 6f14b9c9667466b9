-- check: ref.corrections__touch_the_rows_they_name
-- severity: error
-- what: where its file is present, a correction touches exactly the lines it was written for (else the publisher mended them: remove it)
with
touched as (
    select correction, count(*) as touched_rows
    from stg.vx_contract_rows
    where correction is not null
    group by correction
)

select correction.correction, correction.file_name, correction.rows as expected_rows, coalesce(touched.touched_rows, 0) as touched_rows
from ref.corrections as correction
left join touched on touched.correction = correction.correction
where exists (select 1 from stg.vx_contract_rows as row_ where row_.file_name = correction.file_name)
    and coalesce(touched.touched_rows, 0) <> correction.rows
