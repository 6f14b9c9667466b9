-- model: ops.quarantined_rows
-- grain: dataset, file_name, line_no, reason
-- reads: stg.vx_contract_rows, stg.vx_settlements, stg.vx_same_evening_rows, stg.vx_final_settlements, stg.index_level_rows, stg.fred_observations, stg.release_dates, stg.nyse_breadth_rows, stg.price_bar_rows, stg.fund_nav_rows, stg.monthly_valuation_rows, stg.sector_valuation_rows, raw.refused_entries
-- what: every source line that is not used as it stands: file, line, reason and the text
-- source: the stg models, which judge each line
-- edge: disposition says what was done: rejected, field_nulled (the line is used without the field), kept_flagged (used, doubtful)
select
    case source_format when 'current' then 'vx_contract' else 'vx_archive' end as dataset,
    file_name, file_sha256, line_no, trade_date, 'rejected' as disposition, reject_reason as reason, line_text
from stg.vx_contract_rows
where reject_reason is not null
union all by name
select
    case source_format when 'current' then 'vx_contract' else 'vx_archive' end as dataset,
    file_name, file_sha256, line_no, trade_date, 'kept_flagged' as disposition, doubt as reason, line_text
from stg.vx_contract_rows
where reject_reason is null and doubt is not null
union all by name
select
    case row_.source_format when 'current' then 'vx_contract' else 'vx_archive' end as dataset,
    row_.file_name, row_.file_sha256, row_.line_no, row_.trade_date, 'field_nulled' as disposition,
    settled.nulled_reason as reason,
    row_.line_text
from stg.vx_settlements as settled
join stg.vx_contract_rows as row_
    on row_.source_format = settled.source_format
    and row_.file_name = settled.file_name
    and row_.line_no = settled.line_no
where settled.nulled_reason is not null
union all by name
select
    'vx_daily_settlement' as dataset,
    file_name, file_sha256, line_no, trade_date, 'rejected' as disposition, reject_reason as reason, line_text
from stg.vx_same_evening_rows
where reject_reason is not null
union all by name
select
    'vx_final_settlement' as dataset,
    file_name, file_sha256, line_no, expiry_date as trade_date, 'rejected' as disposition, reject_reason as reason, line_text
from stg.vx_final_settlements
where reject_reason is not null
union all by name
select
    'index_history' as dataset,
    file_name, file_sha256, line_no, trade_date,
    case when reject_reason is not null then 'rejected' else 'field_nulled' end as disposition,
    coalesce(reject_reason, nulled_reason) as reason, line_text
from stg.index_level_rows
where reject_reason is not null or nulled_reason is not null
union all by name
select
    'fred_series' as dataset,
    file_name, file_sha256, line_no, observation_date as trade_date, 'rejected' as disposition, reject_reason as reason, line_text
from stg.fred_observations
where reject_reason is not null and is_current
union all by name
select
    'nyse_breadth' as dataset,
    file_name, file_sha256, line_no, trade_date, 'rejected' as disposition, reject_reason as reason, line_text
from stg.nyse_breadth_rows
where reject_reason is not null
union all by name
select
    'price_bars' as dataset,
    file_name, file_sha256, line_no, trade_date,
    case when reject_reason is not null then 'rejected' else 'field_nulled' end as disposition,
    coalesce(reject_reason, nulled_reason) as reason, line_text
from stg.price_bar_rows
where reject_reason is not null or nulled_reason is not null
union all by name
select
    'fund_nav' as dataset,
    file_name, file_sha256, line_no, trade_date,
    case when reject_reason is not null then 'rejected' else 'field_nulled' end as disposition,
    coalesce(reject_reason, nulled_reason) as reason, line_text
from stg.fund_nav_rows
where reject_reason is not null or nulled_reason is not null
union all by name
select
    'fund_nav' as dataset,
    file_name, file_sha256, line_no, trade_date, 'kept_flagged' as disposition, doubt as reason, line_text
from stg.fund_nav_rows
where doubt is not null
union all by name
select
    case valuation_source when 'csv' then 'shiller_monthly' else 'shiller_workbook' end as dataset,
    file_name, file_sha256, line_no, reference_date as trade_date, 'rejected' as disposition, reject_reason as reason, line_text
from stg.monthly_valuation_rows
where reject_reason is not null
union all by name
select
    'sector_price_cash_flow' as dataset,
    file_name, file_sha256, line_no, reference_date as trade_date, 'rejected' as disposition, reject_reason as reason, line_text
from stg.sector_valuation_rows
where reject_reason is not null
union all by name
select
    'release_dates' as dataset,
    file_name, file_sha256, line_no, reference_date as trade_date, 'rejected' as disposition, reject_reason as reason, line_text
from stg.release_dates
where reject_reason is not null
union all by name
select
    dataset, file_name, file_sha256, line_no, null::date as trade_date, 'rejected' as disposition, reason, line_text
from raw.refused_entries
