-- model: stg.fund_nav_rows
-- grain: file_name, line_no
-- reads: raw.fund_nav_lines, ref.sessions, ref.parameters
-- what: every data line of the funds' histories, typed and judged; share counts that contradict the printed assets are NULL
-- source: ProShares' historical NAV files
-- edge: history is restated at every split: NAV and shares move, assets do not, and after many reverse splits the share count keeps no digits
with
parameter as (
    select
        max(value) filter (parameter = 'fund_assets_tolerance_frac') as assets_tolerance,
        max(value) filter (parameter = 'fund_prior_nav_tolerance_frac') as prior_tolerance
    from ref.parameters
),

typed as (
    select
        lines.* exclude (field),
        len(field) as field_count,
        regexp_replace(file_name, '-historical_nav\.csv$', '') as symbol,
        trim(field[3]) as ticker_read,
        try_strptime(trim(field[1]), '%m/%d/%Y')::date as trade_date,
        try_cast(trim(field[4]) as double) as nav_read,
        try_cast(trim(field[5]) as double) as prior_nav_read,
        1000 * try_cast(nullif(trim(field[8]), '') as double) as shares_read,
        try_cast(nullif(trim(field[9]), '') as double) as assets_read,
        trim(field[8]) <> '' and try_cast(trim(field[8]) as double) is null as is_shares_unreadable,
        trim(field[9]) <> '' and try_cast(trim(field[9]) as double) is null as is_assets_unreadable
    from (
        select *, string_split(line_text, ',') as field
        from raw.fund_nav_lines
        where trim(line_text) <> '' and not starts_with(line_text, 'Date,')
    ) as lines
),

judged as (
    select
        typed.*,
        case
            when field_count <> 9 then 'wrong_number_of_fields'
            when trade_date is null then 'unreadable_trade_date'
            when ticker_read <> symbol then 'ticker_of_another_fund'
            when nav_read is null or not isfinite(nav_read) then 'unreadable_number'
            when is_shares_unreadable or is_assets_unreadable
                or not isfinite(coalesce(shares_read, 0)) or not isfinite(coalesce(assets_read, 0))
                then 'unreadable_number'
            when trade_date > fetched_on then 'after_the_day_it_was_fetched'
            when session.session_date is null then 'not_an_equity_session'
            when row_number() over (partition by file_name, line_text order by line_no) > 1
                then 'duplicate_of_an_earlier_line'
            when count(distinct line_text) over (partition by file_name, trade_date) > 1
                then 'conflicting_lines_for_one_day'
            when nav_read = 0 then 'nav_not_published'
            when nav_read < 0 or shares_read < 0 or assets_read < 0 then 'negative_value'
        end as reject_reason,
        abs(nav_read * shares_read - assets_read) > parameter.assets_tolerance * assets_read and assets_read > 0
            as is_shares_contradicted
    from typed
    cross join parameter
    left join ref.sessions as session on session.session_date = typed.trade_date and session.is_equity_session
),

followed as (
    select
        judged.*,
        lag(nav_read) over (
            partition by file_name, reject_reason is null order by trade_date, line_no
        ) as nav_before
    from judged
)

select
    file_name,
    file_sha256,
    line_no,
    line_text,
    symbol,
    trade_date,
    case when nav_read > 0 and isfinite(nav_read) then nav_read end as nav_usd,
    case
        when is_shares_contradicted or not shares_read between 1 and 1e15 then null
        else round(shares_read)::bigint
    end as shares_outstanding,
    case
        when assets_read > 0 and isfinite(assets_read) then assets_read
        when nav_read > 0 and shares_read > 0 and isfinite(nav_read * shares_read) then nav_read * shares_read
    end as net_assets_usd,
    reject_reason,
    case
        when reject_reason is not null then null
        when is_shares_contradicted then 'shares_contradict_assets'
        when shares_read = 0 then 'shares_not_published'
    end as nulled_reason,
    case
        when reject_reason is null
            -- four decimals are printed
            and abs(prior_nav_read - nav_before) > 1e-4 + parameter.prior_tolerance * nav_before
            then 'prior_nav_is_not_the_day_befores'
    end as doubt
from followed
cross join parameter
