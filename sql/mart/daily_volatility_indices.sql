-- model: mart.daily_volatility_indices
-- grain: trade_date
-- reads: core.daily_vx_settlements, core.daily_bill_rates, ref.sessions, ref.vx_monthly_expiries, ref.parameters
-- what: the S&P 500 VIX Short-Term and Mid-Term Futures Indices, rebuilt from settlements; total return and (short-term) excess return
-- source: index methodology as printed in the VXX/VXZ prospectus; methodology section 2
-- edge: a day without a needed settlement has NULL, the next day's return spans it with the weights held; no unlisted month is interpolated
with
parameter as (
    select
        max(value) filter (parameter = 'bill_rate_longest_carry_days')::bigint as longest_carry_days,
        max(value) filter (parameter = 'index_longest_gap_sessions') as longest_gap
    from ref.parameters
),

-- index business days: VX rows of days without an equity session are real but do not count here
business_days as (
    select
        session_date as trade_date,
        lead(session_date) over (order by session_date) as following_date,
        row_number() over (order by session_date) as day_no
    from ref.sessions
    where is_equity_session
),

settlement_dates as (
    select
        expiry_date as period_start,
        lead(expiry_date) over (order by expiry_date) as period_end,
        row_number() over (order by expiry_date) as month_no
    from ref.vx_monthly_expiries
),

roll_periods as (
    select
        period.month_no,
        period.period_start,
        period.period_end,
        count(*) as dt_days
    from settlement_dates as period
    join business_days as day on day.trade_date >= period.period_start and day.trade_date < period.period_end
    group by all
),

-- the weights held from a close to the next: dr counts from the following business day
rolls as (
    select
        day.trade_date,
        day.day_no,
        period.month_no,
        period.dt_days,
        end_day.day_no - following.day_no as dr_days
    from business_days as day
    join business_days as following on following.trade_date = day.following_date
    join roll_periods as period
        on following.trade_date >= period.period_start and following.trade_date < period.period_end
    join business_days as end_day on end_day.trade_date = period.period_end
),

holdings as (
    select
        roll.trade_date,
        roll.day_no,
        slot.index_code,
        month.period_start as expiry_date,
        case slot.leg
            when 'selling' then roll.dr_days / roll.dt_days
            when 'buying' then 1 - roll.dr_days / roll.dt_days
            else 1.0
        end as weight
    from rolls as roll
    cross join (
        values
            ('short_term', 1, 'selling'),
            ('short_term', 2, 'buying'),
            ('mid_term', 4, 'selling'),
            ('mid_term', 5, 'held'),
            ('mid_term', 6, 'held'),
            ('mid_term', 7, 'buying')
    ) as slot (index_code, month_ahead, leg)
    join settlement_dates as month on month.month_no = roll.month_no + slot.month_ahead
),

settles as (
    select trade_date, expiry_date, settle_pts from core.daily_vx_settlements
    where is_monthly and settle_pts is not null
),

-- what a holding cost at the close at which it was taken; NULL unless every month with weight has a settle.
-- Added up in one order: in any order the last bit of a level would differ from build to build
valued as (
    select
        holding.index_code,
        holding.trade_date,
        holding.day_no,
        case
            when count(*) filter (holding.weight > 0 and settle.settle_pts is null) = 0
                then sum(holding.weight * coalesce(settle.settle_pts, 0) order by holding.expiry_date)
        end as value_pts
    from holdings as holding
    left join settles as settle
        on settle.trade_date = holding.trade_date and settle.expiry_date = holding.expiry_date
    group by all
),

priced as (
    select
        index_code,
        trade_date,
        day_no,
        value_pts,
        lead(trade_date) over by_index as next_priced_date,
        lead(day_no) over by_index as next_day_no
    from valued
    where value_pts is not null
    window by_index as (partition by index_code order by trade_date)
),

returns as (
    select
        priced.index_code,
        priced.trade_date as from_date,
        priced.next_priced_date as trade_date,
        priced.next_day_no - priced.day_no as sessions_spanned,
        case
            when count(*) filter (holding.weight > 0 and settle.settle_pts is null) = 0
                then sum(holding.weight * coalesce(settle.settle_pts, 0) order by holding.expiry_date) / any_value(priced.value_pts) - 1
        end as contract_daily_return
    from priced
    join holdings as holding
        on holding.index_code = priced.index_code and holding.trade_date = priced.trade_date
    left join settles as settle
        on settle.trade_date = priced.next_priced_date and settle.expiry_date = holding.expiry_date
    where priced.next_priced_date is not null
    group by all
),

with_bills as (
    select
        change.*,
        case
            when change.from_date - bill.observation_date <= parameter.longest_carry_days
                then pow(
                    1 / (1 - 91.0 / 360 * bill.bill_discount_rate_frac), (change.trade_date - change.from_date) / 91.0
                ) - 1
        end as bill_return,
        -- the first link of a chain, and any link over too wide a gap, starts the level anew
        change.contract_daily_return is null or change.sessions_spanned > parameter.longest_gap as is_broken
    from returns as change
    cross join parameter
    asof left join core.daily_bill_rates as bill on bill.observation_date <= change.from_date
),

chained as (
    select
        *,
        count_if(is_broken) over (partition by index_code order by trade_date) as chain_no
    from with_bills
),

levels as (
    select
        index_code,
        trade_date,
        first_value(case when is_broken then trade_date else from_date end) over by_chain as base_date,
        100 * exp(sum(case when is_broken then 0 else ln(1 + contract_daily_return) end) over by_chain) as excess_return,
        case
            when count(*) filter (not is_broken and bill_return is null) over by_chain = 0
                then 100 * exp(
                    sum(case when is_broken then 0 else ln(1 + contract_daily_return + bill_return) end) over by_chain
                )
        end as total_return
    from chained
    window by_chain as (partition by index_code, chain_no order by trade_date)
    union all by name
    -- the day before the first return is the base of the first chain
    select index_code, min(from_date) as trade_date, min(from_date) as base_date, 100 as excess_return, 100 as total_return
    from chained
    where chain_no = 0
    group by index_code
)

select
    session.trade_date,
    max(level.total_return) filter (level.index_code = 'short_term') as short_term_tr,
    max(level.total_return) filter (level.index_code = 'mid_term') as mid_term_tr,
    max(level.excess_return) filter (level.index_code = 'short_term') as short_term_er,
    max(level.base_date) filter (level.index_code = 'short_term') as short_term_base_date,
    max(level.base_date) filter (level.index_code = 'mid_term') as mid_term_base_date
from (
    select distinct day.trade_date
    from business_days as day
    join settles on settles.trade_date = day.trade_date
) as session
left join levels as level on level.trade_date = session.trade_date
group by session.trade_date
order by session.trade_date
