-- model: stg.index_level_rows
-- grain: file_name, line_no
-- reads: raw.index_history_lines, ref.indices, ref.sessions
-- what: every data line of the index histories, typed and judged; prices that cannot be observations are NULL
-- source: Cboe index histories; known defects in docs/data_sources/cboe_indices.md
-- edge: four equal prices mean that only the close was computed; VIX rows on days without an equity session are rejected
with
lines as (
    select
        *,
        regexp_replace(file_name, '_History\.csv$', '') as index_code,
        string_split(line_text, ',') as field
    from raw.index_history_lines
    where trim(line_text) <> '' and not starts_with(line_text, 'DATE,')
),

typed as (
    select
        lines.* exclude (field),
        len(field) as field_count,
        try_strptime(trim(field[1]), '%m/%d/%Y')::date as trade_date,
        case when len(field) = 5 then try_cast(nullif(trim(field[2]), '') as double) end as open_read,
        case when len(field) = 5 then try_cast(nullif(trim(field[3]), '') as double) end as high_read,
        case when len(field) = 5 then try_cast(nullif(trim(field[4]), '') as double) end as low_read,
        try_cast(nullif(trim(field[len(field)]), '') as double) as close_read
    from lines
),

judged as (
    select
        typed.*,
        case
            when field_count not in (2, 5) then 'wrong_number_of_fields'
            when trade_date is null then 'unreadable_trade_date'
            when close_read is null or not isfinite(close_read) then 'unreadable_number'
            when trade_date > fetched_on then 'after_the_day_it_was_fetched'
            when session.session_date is null then 'not_an_equity_session'
            when row_number() over (partition by typed.index_code, line_text order by line_no) > 1
                then 'duplicate_of_an_earlier_line'
            when count(distinct line_text) over (partition by typed.index_code, trade_date) > 1
                then 'conflicting_lines_for_one_day'
            when close_read = 0 then 'close_not_published'
            when close_read not between indices.lowest and indices.highest then 'close_out_of_range'
        end as reject_reason,
        -- tolerance: other vendors' copies carry float noise
        high_read >= low_read - 1e-6 and isfinite(high_read) and least(open_read, high_read, low_read) > 0
        and not (open_read = high_read and high_read = low_read and low_read = close_read)
        -- a range that does not hold its own close is not one
        and close_read between low_read - 1e-6 and high_read + 1e-6 as is_range_observed
    from typed
    left join ref.sessions as session on session.session_date = typed.trade_date and session.is_equity_session
    left join ref.indices as indices on indices.index_code = typed.index_code
)

select
    file_name,
    file_sha256,
    line_no,
    line_text,
    index_code,
    trade_date,
    case
        when is_range_observed and open_read between low_read - 1e-6 and high_read + 1e-6 then open_read
    end as open_pts,
    case when is_range_observed then high_read end as high_pts,
    case when is_range_observed then low_read end as low_pts,
    close_read as close_pts,
    reject_reason,
    case
        when reject_reason is not null or open_read is null then null
        when high_read < low_read - 1e-6 then 'high_below_low'
        when least(open_read, high_read, low_read) > 0 and not close_read between low_read - 1e-6 and high_read + 1e-6
            then 'close_outside_high_low'
        when is_range_observed and not open_read between low_read - 1e-6 and high_read + 1e-6 then 'open_outside_high_low'
    end as nulled_reason
from judged
