-- model: mart.daily_breadth_divergence
-- grain: trade_date
-- reads: core.daily_breadth, core.daily_price_bars, core.daily_index_levels, ref.sessions, ref.parameters
-- what: how far the S&P 500 and the breadth behind it have parted, on each equity session: by NYSE advances and declines, else by the equal-weight fund over the cap-weight fund
-- source: methodology section 4 (docs/methodology.md); parameters in transforms/parameters.toml
-- edge: each measure is ranked against its own history, never spliced; breadth_source names the one used; without either the divergence is NULL
with
parameter as (
    select
        max(value) filter (parameter = 'breadth_change_sessions')::bigint as change_sessions,
        max(value) filter (parameter = 'breadth_history_sessions')::bigint as history_sessions,
        max(value) filter (parameter = 'breadth_least_coverage_frac') as least_coverage
    from ref.parameters
),

funds as (
    select
        trade_date,
        max(close_usd) filter (symbol = 'RSP') as rsp_close_usd,
        max(close_usd) filter (symbol = 'SPY') as spy_close_usd
    from core.daily_price_bars
    group by trade_date
),

equity_sessions as (
    select
        session.session_date as trade_date,
        breadth.nyse_advances_issues,
        breadth.nyse_declines_issues,
        ln(spx.close_pts / lag(spx.close_pts) over by_day) as spx_return_log,
        ln(funds.rsp_close_usd / funds.spy_close_usd) as rsp_spy_log,
        ln(funds.rsp_close_usd / funds.spy_close_usd)
            - lag(ln(funds.rsp_close_usd / funds.spy_close_usd)) over by_day as rsp_spy_change_log
    from ref.sessions as session
    left join core.daily_breadth as breadth on breadth.trade_date = session.session_date
    left join funds on funds.trade_date = session.session_date
    left join core.daily_index_levels as spx on spx.trade_date = session.session_date and spx.index_code = 'SPX'
    where session.is_equity_session
        and session.session_date <= (select max(trade_date) from core.daily_index_levels)
    window by_day as (order by session.session_date)
),

-- Both legs on the same days: a session that lacks either counts in neither.
legs as (
    select
        leg.breadth_source,
        session.trade_date,
        leg.breadth_change,
        case when leg.breadth_change is not null then session.spx_return_log end as spx_return_log,
        case when session.spx_return_log is not null then leg.breadth_change end as paired_change
    from equity_sessions as session
    cross join lateral (
        values
            ('nyse_counts', (session.nyse_advances_issues - session.nyse_declines_issues)::double),
            ('rsp_spy_proxy', session.rsp_spy_change_log)
    ) as leg (breadth_source, breadth_change)
),

-- A change over the window, in units of what the daily changes of the past year make likely. Frames are
-- counted in sessions; a NULL inside is passed over as long as enough are there.
changes as (
    select
        legs.breadth_source,
        legs.trade_date,
        case
            when legs.paired_change is not null and legs.spx_return_log is not null
                and count(legs.paired_change) over recent >= parameter.least_coverage * parameter.change_sessions
                and count(legs.paired_change) over past >= parameter.least_coverage * parameter.history_sessions
                then (
                    sum(legs.spx_return_log) over recent / nullif(stddev_samp(legs.spx_return_log) over past, 0)
                    - sum(legs.paired_change) over recent / nullif(stddev_samp(legs.paired_change) over past, 0)
                ) / sqrt(parameter.change_sessions)
        end as divergence_sds
    from legs
    cross join parameter
    window
        recent as (
            partition by legs.breadth_source order by legs.trade_date
            rows between (parameter.change_sessions - 1) preceding and current row
        ),
        past as (
            partition by legs.breadth_source order by legs.trade_date
            rows between (parameter.history_sessions - 1) preceding and current row
        )
),

scores as (
    select
        changes.breadth_source,
        changes.trade_date,
        changes.divergence_sds,
        case
            when changes.divergence_sds is not null
                and count(changes.divergence_sds) over past >= parameter.least_coverage * parameter.history_sessions
                then (changes.divergence_sds - avg(changes.divergence_sds) over past)
                    / nullif(stddev_samp(changes.divergence_sds) over past, 0)
        end as divergence_z
    from changes
    cross join parameter
    window past as (
        partition by changes.breadth_source order by changes.trade_date
        rows between (parameter.history_sessions - 1) preceding and current row
    )
),

sources as (
    select
        *,
        case
            when nyse_advances_issues is not null then 'nyse_counts'
            when rsp_spy_log is not null then 'rsp_spy_proxy'
            else 'none'
        end as breadth_source,
        sum(nyse_advances_issues - nyse_declines_issues) over (order by trade_date) as cumulated_issues
    from equity_sessions
)

select
    sources.trade_date,
    sources.breadth_source,
    sources.nyse_advances_issues,
    sources.nyse_declines_issues,
    case
        when sources.nyse_advances_issues is not null then sources.cumulated_issues::bigint
    end as ad_line_issues,
    exp(sources.rsp_spy_log) as rsp_spy_ratio,
    scores.divergence_sds as ad_divergence_sds,
    scores.divergence_z as ad_divergence_z
from sources
left join scores on scores.trade_date = sources.trade_date and scores.breadth_source = sources.breadth_source
order by sources.trade_date
