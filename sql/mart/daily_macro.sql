-- model: mart.daily_macro
-- grain: trade_date
-- reads: core.daily_vx_settlements, core.daily_bill_rates, core.daily_policy_rates, core.macro_observations, ref.macro_series, ref.nber_turning_points, ref.sessions, mart.macro_price_readings, mart.macro_output_readings, mart.macro_exchange_readings, mart.daily_macro_events, mart.daily_valuations
-- what: the economy around each session as known on its evening: rates, inflation and its surprises, output and cycles, the dollar, valuations, volatility funds, scheduled events
-- source: methodology section 13
-- edge: each block has its period, the day it became known, and a status; a value older than its series allows is NULL and the status stale
with
days as (
    select distinct trade_date from core.daily_vx_settlements
),

-- ---- daily rates: the Federal Reserve publishes a day's rate on its next business day ----
publication_days as (
    select session_date
    from ref.sessions
    where is_equity_session
        -- exchanges open, banks closed: Columbus Day and Veterans Day (on a Monday where the 11th is a Sunday)
        and not (month(session_date) = 10 and dayofweek(session_date) = 1 and day(session_date) between 8 and 14)
        and not (month(session_date) = 11 and day(session_date) = 11)
        and not (month(session_date) = 11 and dayofweek(session_date) = 1 and day(session_date) = 12)
),

bills as (
    select published.session_date as known_date, max(rate.observation_date) as reference_date
    from core.daily_bill_rates as rate
    asof join publication_days as published on published.session_date > rate.observation_date
    group by published.session_date
),

policy_rates as (
    select published.session_date as known_date, max(rate.observation_date) as reference_date
    from core.daily_policy_rates as rate
    asof join publication_days as published on published.session_date > rate.observation_date
    group by published.session_date
),

-- ---- recessions as announced: by the shipped turning points, and by what later versions of the series say ----
announced_calls as (
    select announced_date as known_date, turning_point = 'peak' as is_recession
    from ref.nber_turning_points
),

indicator_calls as (
    select
        known_date,
        known_basis,
        max_by(observed_value, (reference_date, known_date)) over (order by known_date) = 1 as is_recession
    from core.macro_observations
    where series_id = 'USREC' and observed_value is not null
),

recession_calls as (
    select known_date, is_recession from announced_calls
    union by name
    select known_date, is_recession
    from indicator_calls
    where known_basis = 'first_seen' or not exists (from announced_calls)
),

phase_changes as (
    select known_date, is_recession
    from recession_calls
    qualify is_recession is distinct from lag(is_recession) over (order by known_date)
),

-- ---- what was newest on the evening of each session ----
oldest as (
    select
        max(longest_age_days) filter (series_id = 'DTB3') as bill_days,
        max(longest_age_days) filter (series_id = 'DFF') as policy_days,
        max(longest_age_days) filter (series_id = 'CPIAUCSL') as cpi_days,
        max(longest_age_days) filter (series_id = 'PPIACO') as ppi_days,
        max(longest_age_days) filter (series_id = 'GDPC1') as gdp_days,
        max(longest_age_days) filter (series_id = 'RBUSBIS') as reer_days
    from ref.macro_series
),

cpi_readings as (
    select * from mart.macro_price_readings where series_id = 'CPIAUCSL'
),

ppi_readings as (
    select * from mart.macro_price_readings where series_id = 'PPIACO'
),

newest as (
    select
        day.trade_date,
        bill.reference_date as bill_reference_date,
        bill.known_date as bill_known_date,
        coalesce(day.trade_date - bill.reference_date > oldest.bill_days, false) as is_bill_stale,
        policy.reference_date as policy_reference_date,
        policy.known_date as policy_known_date,
        coalesce(day.trade_date - policy.reference_date > oldest.policy_days, false) as is_policy_stale,
        cpi,
        coalesce(day.trade_date - last_day(cpi.reference_date) > oldest.cpi_days, false) as is_cpi_stale,
        ppi,
        coalesce(day.trade_date - last_day(ppi.reference_date) > oldest.ppi_days, false) as is_ppi_stale,
        gdp,
        coalesce(
            day.trade_date - last_day(gdp.reference_date + interval 2 months) > oldest.gdp_days, false
        ) as is_gdp_stale,
        reer,
        coalesce(day.trade_date - last_day(reer.reference_date) > oldest.reer_days, false) as is_reer_stale,
        phase.known_date as nber_known_date,
        phase.is_recession
    from days as day
    cross join oldest
    asof left join bills as bill on bill.known_date <= day.trade_date
    asof left join policy_rates as policy on policy.known_date <= day.trade_date
    asof left join cpi_readings as cpi on cpi.known_date <= day.trade_date
    asof left join ppi_readings as ppi on ppi.known_date <= day.trade_date
    asof left join mart.macro_output_readings as gdp on gdp.known_date <= day.trade_date
    asof left join mart.macro_exchange_readings as reer on reer.known_date <= day.trade_date
    asof left join phase_changes as phase on phase.known_date <= day.trade_date
)

select
    newest.trade_date,
    case when not newest.is_bill_stale then bill.bill_discount_rate_frac end as bill_discount_rate_frac,
    newest.bill_reference_date,
    newest.bill_known_date,
    case
        when newest.bill_reference_date is null then 'absent'
        when newest.is_bill_stale then 'stale'
        else 'ok'
    end as bill_status,
    case when not newest.is_policy_stale then policy.policy_rate_frac end as policy_rate_frac,
    newest.policy_reference_date,
    newest.policy_known_date,
    case
        when newest.policy_reference_date is null then 'absent'
        when newest.is_policy_stale then 'stale'
        else 'ok'
    end as policy_status,

    case when not newest.is_cpi_stale then newest.cpi.yoy_frac end as cpi_yoy_frac,
    case when not newest.is_cpi_stale then newest.cpi.mom_frac end as cpi_mom_frac,
    case when not newest.is_cpi_stale then newest.cpi.surprise_frac end as cpi_surprise_frac,
    case when not newest.is_cpi_stale then newest.cpi.surprise_z end as cpi_surprise_z,
    newest.cpi.reference_date as cpi_reference_date,
    newest.cpi.released_date as cpi_known_date,
    newest.cpi.known_basis as cpi_known_basis,
    case when newest.is_cpi_stale then 'stale' else coalesce(newest.cpi.yoy_status, 'absent') end as cpi_status,
    case when newest.is_cpi_stale then 'stale' else coalesce(newest.cpi.mom_status, 'absent') end as cpi_mom_status,
    case
        when newest.is_cpi_stale then 'stale' else coalesce(newest.cpi.surprise_status, 'absent')
    end as cpi_surprise_status,
    case
        when newest.is_cpi_stale then 'stale' else coalesce(newest.cpi.surprise_z_status, 'absent')
    end as cpi_surprise_z_status,

    case when not newest.is_ppi_stale then newest.ppi.yoy_frac end as ppi_yoy_frac,
    case when not newest.is_ppi_stale then newest.ppi.mom_frac end as ppi_mom_frac,
    case when not newest.is_ppi_stale then newest.ppi.surprise_frac end as ppi_surprise_frac,
    case when not newest.is_ppi_stale then newest.ppi.surprise_z end as ppi_surprise_z,
    newest.ppi.reference_date as ppi_reference_date,
    newest.ppi.released_date as ppi_known_date,
    newest.ppi.known_basis as ppi_known_basis,
    case when newest.is_ppi_stale then 'stale' else coalesce(newest.ppi.yoy_status, 'absent') end as ppi_status,
    case when newest.is_ppi_stale then 'stale' else coalesce(newest.ppi.mom_status, 'absent') end as ppi_mom_status,
    case
        when newest.is_ppi_stale then 'stale' else coalesce(newest.ppi.surprise_status, 'absent')
    end as ppi_surprise_status,
    case
        when newest.is_ppi_stale then 'stale' else coalesce(newest.ppi.surprise_z_status, 'absent')
    end as ppi_surprise_z_status,

    case when not newest.is_gdp_stale then newest.gdp.gdp_growth_yoy_frac end as gdp_growth_yoy_frac,
    case
        when not newest.is_gdp_stale then newest.gdp.gdp_growth_qoq_annualised_frac
    end as gdp_growth_qoq_annualised_frac,
    case when not newest.is_gdp_stale then newest.gdp.gdp_cycle end as gdp_cycle,
    newest.gdp.reference_date as gdp_reference_date,
    newest.gdp.released_date as gdp_known_date,
    newest.gdp.known_basis as gdp_known_basis,
    case when newest.is_gdp_stale then 'stale' else coalesce(newest.gdp.gdp_status, 'absent') end as gdp_status,

    case when newest.is_recession then 'recession' when not newest.is_recession then 'expansion' end as nber_phase,
    newest.nber_known_date,
    case when newest.is_recession is null then 'absent' else 'ok' end as nber_status,

    case when not newest.is_reer_stale then newest.reer.reer_change_3m_log end as reer_change_3m_log,
    case when not newest.is_reer_stale then newest.reer.reer_shift_z end as reer_shift_z,
    newest.reer.reference_date as reer_reference_date,
    newest.reer.released_date as reer_known_date,
    newest.reer.known_basis as reer_known_basis,
    case when newest.is_reer_stale then 'stale' else coalesce(newest.reer.reer_status, 'absent') end as reer_status,
    case
        when newest.is_reer_stale then 'stale' else coalesce(newest.reer.reer_shift_status, 'absent')
    end as reer_shift_status,

    valuation.pe_ttm_ratio,
    valuation.pe_change_12m_frac,
    valuation.is_pe_compressing,
    valuation.pe_price_reference_date,
    valuation.pe_earnings_reference_date,
    valuation.pe_known_date,
    valuation.pe_status,
    valuation.pe_change_status,
    valuation.sector_price_to_cash_flow_ratio,
    valuation.sector_reference_date,
    valuation.sector_known_date,
    valuation.sector_status,
    valuation.vol_etp_net_assets_usd,
    valuation.vol_etp_status,
    valuation.etp_launches_12m,
    valuation.etp_listed,
    valuation.etp_launches_status,

    event.next_fomc_date,
    event.next_fomc_basis,
    event.sessions_to_fomc_decision,
    event.sessions_since_fomc_decision,
    event.is_fomc_window,
    event.fomc_event_status,
    event.next_fomc_minutes_date,
    event.next_fomc_minutes_basis,
    event.sessions_to_fomc_minutes,
    event.sessions_since_fomc_minutes,
    event.is_fomc_minutes_window,
    event.fomc_minutes_event_status,
    event.next_cpi_date,
    event.next_cpi_basis,
    event.sessions_to_cpi_release,
    event.sessions_since_cpi_release,
    event.is_cpi_window,
    event.cpi_event_status,
    event.next_ppi_date,
    event.next_ppi_basis,
    event.sessions_to_ppi_release,
    event.sessions_since_ppi_release,
    event.is_ppi_window,
    event.ppi_event_status,
    event.is_macro_event_window,
    event.macro_event_status
from newest
left join core.daily_bill_rates as bill on bill.observation_date = newest.bill_reference_date
left join core.daily_policy_rates as policy on policy.observation_date = newest.policy_reference_date
left join mart.daily_valuations as valuation on valuation.trade_date = newest.trade_date
left join mart.daily_macro_events as event on event.trade_date = newest.trade_date
order by newest.trade_date
