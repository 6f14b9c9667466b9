-- model: stg.price_bar_rows
-- grain: file_name, line_no
-- reads: raw.price_bars, ref.sessions
-- what: every bar of the price histories, judged; prices that cannot be observations are NULL
-- source: Cboe's chart histories; parsed by transforms/bars.py
-- edge: line_no is the place in the file's list; a close of 0 is a day before the fund was listed; four equal prices are a day without a range
with
bars as (
    select
        * exclude (fetched_at_utc, is_current),
        regexp_replace(file_name, '_bars\.json$', '') as symbol,
        -- as the lines of a file: a publisher may be a day ahead in nothing, a clock may be a little off
        (fetched_at_utc at time zone 'UTC')::date + 1 as fetched_on,
        fetched_at_utc at time zone 'America/New_York' as fetched_at_local
    from raw.price_bars
    where is_current
),

judged as (
    select
        bars.*,
        case
            when trade_date > fetched_on then 'after_the_day_it_was_fetched'
            when session.session_date is null then 'not_an_equity_session'
            when fetched_at_local < trade_date + interval 16 hours then 'session_not_over_when_fetched'
            when close_usd is null or close_usd = 0 then 'close_not_published'
            when close_usd < 0 then 'close_not_positive'
            when row_number() over (
                    partition by symbol, trade_date, open_usd, high_usd, low_usd, close_usd, volume_shares order by line_no
                ) > 1
                then 'duplicate_of_an_earlier_line'
            when count(distinct (open_usd, high_usd, low_usd, close_usd, volume_shares))
                    over (partition by symbol, trade_date) > 1
                then 'conflicting_lines_for_one_day'
        end as reject_reason,
        -- tolerance: adjusted prices carry float noise
        high_usd >= low_usd - 1e-6 and least(high_usd, low_usd) > 0
        -- a range that does not hold its own close is not one
        and close_usd between low_usd - 1e-6 and high_usd + 1e-6 as is_range_observed
    from bars
    left join ref.sessions as session on session.session_date = bars.trade_date and session.is_equity_session
)

select
    file_name,
    file_sha256,
    line_no,
    line_text,
    symbol,
    trade_date,
    case
        when is_range_observed and open_usd between low_usd - 1e-6 and high_usd + 1e-6 and open_usd > 0 then open_usd
    end as open_usd,
    case when is_range_observed then high_usd end as high_usd,
    case when is_range_observed then low_usd end as low_usd,
    close_usd,
    case when volume_shares >= 0 then volume_shares end as volume_shares,
    reject_reason,
    case
        when reject_reason is not null then null
        when high_usd < low_usd - 1e-6 then 'high_below_low'
        when least(high_usd, low_usd) > 0 and not close_usd between low_usd - 1e-6 and high_usd + 1e-6
            then 'close_outside_high_low'
        when is_range_observed and open_usd <> 0 and not open_usd between low_usd - 1e-6 and high_usd + 1e-6
            then 'open_outside_high_low'
        when volume_shares < 0 then 'negative_volume'
    end as nulled_reason
from judged
