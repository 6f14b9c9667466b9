-- model: stg.nyse_breadth_rows
-- grain: file_name, line_no
-- reads: raw.nyse_breadth_lines, ref.sessions, ref.parameters
-- what: every line of the NYSE counts, typed and judged: first alone, then with the same day's line of the other file
-- source: unicorn.us.com; known defects in docs/data_sources
-- edge: a zero is a missing count; before the calendar's first equity session no line is held against the calendar; a day's total is compared only with earlier days
with
parameter as (
    select
        max(value) filter (parameter = 'breadth_total_sessions')::bigint as window_sessions,
        max(value) filter (parameter = 'breadth_total_lowest_ratio') as lowest_ratio,
        max(value) filter (parameter = 'breadth_total_highest_ratio') as highest_ratio
    from ref.parameters
),

calendar as (
    select min(session_date) as first_session from ref.sessions where is_equity_session
),

typed as (
    select
        lines.* exclude (field),
        file_name = 'NYSE_advn.csv' as is_advances,
        len(field) as field_count,
        try_strptime(regexp_extract(trim(field[1]), '^\d{8}$'), '%Y%m%d')::date as trade_date,
        try_cast(trim(field[2]) as double) as count_read
    from (
        select *, string_split(line_text, ',') as field
        from raw.nyse_breadth_lines
        where trim(line_text) <> ''
    ) as lines
),

alone as (
    select
        typed.*,
        case
            when field_count <> 2 then 'wrong_number_of_fields'
            when trade_date is null then 'unreadable_trade_date'
            when count_read is null or not isfinite(count_read) or count_read <> floor(count_read)
                then 'unreadable_number'
            when trade_date > fetched_on then 'after_the_day_it_was_fetched'
            when trade_date >= calendar.first_session and session.session_date is null then 'not_an_equity_session'
            when row_number() over (partition by file_name, line_text order by line_no) > 1
                then 'duplicate_of_an_earlier_line'
            when count(distinct line_text) over (partition by file_name, trade_date) > 1
                then 'conflicting_lines_for_one_day'
            when count_read = 0 then 'count_not_published'
            -- the exchange has never listed a third as many
            when count_read not between 1 and 10000 then 'count_out_of_range'
        end as reason_alone
    from typed
    cross join calendar
    left join ref.sessions as session on session.session_date = typed.trade_date and session.is_equity_session
),

days as (
    select
        trade_date,
        max(count_read) filter (is_advances) as advances,
        max(count_read) filter (not is_advances) as declines
    from alone
    where reason_alone is null
    group by trade_date
    having count_if(is_advances) > 0 and count_if(not is_advances) > 0
),

-- What is usual comes from the days before, the rejected among them: a lasting change of what is counted
-- is rejected for half a window, then it is the usual.
compared as (
    select
        days.*,
        median(advances + declines) over before as usual_total,
        count(*) over before as days_before,
        lag(advances) over by_day as advances_before,
        lag(declines) over by_day as declines_before
    from days
    cross join parameter
    window
        by_day as (order by trade_date),
        before as (order by trade_date rows between parameter.window_sessions preceding and 1 preceding)
),

judged_days as (
    select
        trade_date,
        case
            -- two counts of three thousand are not the same twice: the day before was written again
            when advances = advances_before and declines = declines_before then 'repeats_the_day_before'
            when days_before = parameter.window_sessions and not (advances + declines)
                between parameter.lowest_ratio * usual_total and parameter.highest_ratio * usual_total
                then 'total_out_of_range'
        end as reason_together
    from compared
    cross join parameter
)

select
    alone.file_name,
    alone.file_sha256,
    alone.line_no,
    alone.line_text,
    alone.is_advances,
    alone.trade_date,
    case when isfinite(alone.count_read) and abs(alone.count_read) < 1e15 then alone.count_read::bigint end as count_issues,
    coalesce(
        alone.reason_alone,
        case when judged_days.trade_date is null then 'no_count_in_the_other_file' end,
        judged_days.reason_together
    ) as reject_reason
from alone
left join judged_days on judged_days.trade_date = alone.trade_date
