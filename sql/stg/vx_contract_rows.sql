-- model: stg.vx_contract_rows
-- grain: source_format, file_name, line_no
-- reads: raw.vx_contract_lines, raw.vx_archive_lines, ref.vx_monthly_expiries, ref.sessions, ref.corrections
-- what: every data line of every contract file, typed, scaled to points, and judged: reject_reason says why a line is not used
-- source: Cboe contract files; known defects in docs/data_sources/cboe_vx_futures.md
-- edge: the contract is the file's expiry, never the label; quotes before 2007-03-26 are ten times the index and are divided by 10
with
monthly as (
    select expiry_date, contract_month from ref.vx_monthly_expiries
),

lines as (
    select
        'current' as source_format,
        line.*,
        try_cast(substr(line.file_name, 4, 10) as date) as expiry_date
    from raw.vx_contract_lines as line
    union all by name
    select
        'archive' as source_format,
        line.*,
        monthly.expiry_date
    from raw.vx_archive_lines as line
    left join monthly
        on monthly.contract_month = make_date(
            2000 + try_cast(substr(line.file_name, 6, 2) as integer),
            strpos('FGHJKMNQUVXZ', substr(line.file_name, 5, 1))::integer,
            1
        )
),

after_header as (
    -- a legal notice may stand above the header; blank lines may stand anywhere
    select
        *,
        min(case when line_text[:10] = 'Trade Date' then line_no end) over (partition by source_format, file_name) as header_line_no
    from lines
),

fields as (
    select
        *,
        string_split(line_text, ',') as field,
        coalesce(
            try_strptime(trim(string_split(line_text, ',')[1]), '%Y-%m-%d'),
            try_strptime(trim(string_split(line_text, ',')[1]), '%m/%d/%Y')
        )::date as trade_date
    from after_header
    where line_no > header_line_no and trim(line_text) <> ''
),

typed as (
    select
        * exclude (field),
        len(field) as field_count,
        len(list_filter(field[12:], lambda surplus: trim(surplus) <> '')) as surplus_count,
        trim(field[2]) as label,
        -- NULL where the source has nothing; an unreadable text is told apart below
        try_cast(nullif(trim(field[3]), '') as double) as open_quoted,
        try_cast(nullif(trim(field[4]), '') as double) as high_quoted,
        try_cast(nullif(trim(field[5]), '') as double) as low_quoted,
        try_cast(nullif(trim(field[6]), '') as double) as close_quoted,
        try_cast(nullif(trim(field[7]), '') as double) as settle_quoted,
        try_cast(nullif(trim(field[9]), '') as bigint) as volume_contracts,
        try_cast(nullif(trim(field[11]), '') as bigint) as open_interest_contracts,
        len(list_filter(
            field[3:7], lambda text: trim(text) <> '' and not coalesce(isfinite(try_cast(trim(text) as double)), false)
        )) + len(list_filter(
            [field[9], field[11]], lambda text: trim(text) <> '' and try_cast(trim(text) as bigint) is null
        )) as unreadable_count,
        case when trade_date < date '2007-03-26' then 10.0 else 1.0 end as quote_scale
    from fields
),

scaled as (
    select
        typed.*,
        monthly.expiry_date is not null as is_monthly,
        round(settle_quoted / quote_scale, 6) as settle_pts,
        round(open_quoted / quote_scale, 6) as open_read,
        round(high_quoted / quote_scale, 6) as high_read,
        round(low_quoted / quote_scale, 6) as low_read,
        round(close_quoted / quote_scale, 6) as close_read,
        case source_format
            when 'current' then strftime(typed.expiry_date, '%b %Y') else strftime(typed.expiry_date, '%b %y')
        end as label_month,
        row_number() over (partition by source_format, file_name, line_text order by line_no) as repeat_no,
        count(distinct line_text) over (partition by source_format, file_name, trade_date) as versions_of_day
    from typed
    left join monthly on monthly.expiry_date = typed.expiry_date
),

corrected as (
    select
        scaled.*,
        correction.correction,
        correction.action as correction_action,
        correction.reason as correction_reason
    from scaled
    left join ref.corrections as correction
        on correction.file_name = scaled.file_name and contains(scaled.line_text, correction.found)
),

judged_alone as (
    select
        corrected.*,
        case
            when field_count < 11 then 'too_few_fields'
            when surplus_count > 0 then 'too_many_fields'
            when trade_date is null then 'unreadable_trade_date'
            when corrected.expiry_date is null then 'file_name_states_no_contract'
            when unreadable_count > 0 then 'unreadable_number'
            when label[3:len(label_month) + 3] <> '(' || label_month then 'label_of_another_contract'
            when trade_date > corrected.expiry_date then 'after_the_contracts_expiry'
            when trade_date > fetched_on then 'after_the_day_it_was_fetched'
            when session.session_date is null then 'not_a_futures_session'
            when repeat_no > 1 then 'duplicate_of_an_earlier_line'
            when versions_of_day > 1 then 'conflicting_lines_for_one_day'
            when least(settle_quoted, volume_contracts, open_interest_contracts) < 0 then 'negative_number'
            when coalesce(settle_quoted, 0) = 0 then 'settle_not_published'
            when correction_action = 'reject' then correction_reason
            -- VX has settled between 8.75 and 74.53 since 2004
            when settle_pts not between 5 and 150 then 'settle_out_of_range'
        end as reason_alone
    from corrected
    left join ref.sessions as session on session.session_date = corrected.trade_date and session.is_futures_session
),

session_level as (
    select trade_date, median(settle_pts) as median_pts, count(*) as settles
    from judged_alone
    where reason_alone is null or reason_alone = 'settle_out_of_range'
    group by trade_date
)

select
    judged.source_format,
    judged.file_name,
    judged.file_sha256,
    judged.line_no,
    judged.line_text,
    judged.trade_date,
    judged.expiry_date,
    judged.is_monthly,
    judged.settle_pts,
    judged.open_read,
    judged.high_read,
    judged.low_read,
    judged.close_read,
    judged.volume_contracts,
    judged.open_interest_contracts,
    judged.correction,
    case when judged.correction_action = 'flag' then judged.correction_reason end as doubt,
    coalesce(
        judged.reason_alone,
        -- the widest real distance from the session's median is 2.1 times (a special opening quotation)
        case when level.settles >= 3 and judged.settle_pts / level.median_pts not between 0.4 and 2.5
            then 'settle_far_from_the_sessions_curve' end
    ) as reject_reason
from judged_alone as judged
left join session_level as level on level.trade_date = judged.trade_date
