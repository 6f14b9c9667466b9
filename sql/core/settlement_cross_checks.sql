-- model: core.settlement_cross_checks
-- grain: trade_date, expiry_date
-- reads: core.daily_vx_settlements, core.daily_index_levels, ref.parameters
-- what: how far each monthly's settlement is from what its neighbours, its own trading day and the session before let expect
-- source: ours, measured on the exchange's files from 2004 to 2026: docs/faults.md has the counts
-- edge: looks back one session and never forward; a move across a missing session, or next to a doubtful settlement, is NULL; weeklies are not judged
with
weights as (
    select value as vix_weight
    from ref.parameters
    where parameter = 'cross_front_vix_weight'
),

sessions as (
    select trade_date, lag(trade_date) over (order by trade_date) as date_before
    from (select distinct trade_date from core.daily_vx_settlements)
),

settled as (
    select
        settlement.*,
        sessions.date_before,
        lag(settlement.trade_date) over by_contract as date_compared,
        lag(settlement.settle_pts) over by_contract as settle_before_pts,
        lag(struct_pack(
            settle := settlement.settle_pts, high := settlement.high_pts, low := settlement.low_pts,
            volume := settlement.volume_contracts, interest := settlement.open_interest_contracts
        )) over by_contract as line_before,
        lag(settlement.open_interest_contracts) over by_contract as interest_before_contracts
    from core.daily_vx_settlements as settlement
    join sessions on sessions.trade_date = settlement.trade_date
    where settlement.tenor_rank is not null
        and not settlement.is_final_settlement
        and not settlement.is_doubtful
    window by_contract as (partition by settlement.expiry_date order by settlement.trade_date)
),

moves as (
    select
        *,
        case when date_compared = date_before then ln(settle_pts / settle_before_pts) end as move_log
    from settled
),

vix as (
    select
        trade_date,
        lag(trade_date) over (order by trade_date) as date_before,
        ln(close_pts / lag(close_pts) over (order by trade_date)) as move_log
    from core.daily_index_levels
    where index_code = 'VIX'
),

beside as (
    select
        moves.*,
        vix.move_log as vix_move_log,
        median(abs(moves.move_log)) filter (moves.tenor_rank <= 5) over (partition by moves.trade_date)
            as curve_move_log,
        case when lag(tenor_rank) over by_session = tenor_rank - 1 then lag(moves.move_log) over by_session end
            as nearer_move_log,
        case when lead(tenor_rank) over by_session = tenor_rank + 1 then lead(moves.move_log) over by_session end
            as later_move_log,
        lag(calendar_days_to_expiry) over by_session as nearer_days,
        lead(calendar_days_to_expiry) over by_session as later_days
    from moves
    left join vix on vix.trade_date = moves.trade_date and vix.date_before = moves.date_before
    window by_session as (partition by moves.trade_date order by moves.tenor_rank)
),

closes as (
    select
        *,
        median(close_gap_log) filter (tenor_rank <= 7) over (partition by trade_date) as session_close_gap_log,
        count(close_gap_log) filter (tenor_rank <= 7) over (partition by trade_date) as closes_compared
    from (
        select *, case when volume_contracts > 0 then ln(settle_pts / close_pts) end as close_gap_log
        from beside
    )
),

expected as (
    select
        closes.*,
        case
            when tenor_rank = 1 then 'front'
            when tenor_rank <= 7 and later_move_log is not null then 'inner'
            else 'back'
        end as curve_place,
        case
            -- between the index, which is due at once, and the second month
            when tenor_rank = 1
                then later_move_log
                + weights.vix_weight * (later_days - calendar_days_to_expiry) / later_days * (vix_move_log - later_move_log)
            when later_move_log is not null
                then nearer_move_log
                + (calendar_days_to_expiry - nearer_days) / (later_days - nearer_days)
                * (later_move_log - nearer_move_log)
            else nearer_move_log
        end as expected_move_log
    from closes
    cross join weights
)

select
    trade_date,
    expiry_date,
    contract_code,
    tenor_rank,
    curve_place,
    settle_source,
    settle_pts,
    settle_before_pts,
    move_log,
    expected_move_log,
    move_log - expected_move_log as move_gap_log,
    curve_move_log,
    -- where nothing traded, high and low are quotes, or another day's
    case when volume_contracts > 0 then greatest(0, ln(settle_pts / high_pts), ln(low_pts / settle_pts)) end
        as outside_range_log,
    -- what happens between the last trade and the settlement happens to the whole curve
    close_gap_log - case when closes_compared >= 3 then session_close_gap_log end as close_gap_log,
    case when volume_contracts is not null and date_compared = date_before
        then volume_contracts > 0 and line_before = struct_pack(
            settle := settle_pts, high := high_pts, low := low_pts,
            volume := volume_contracts, interest := open_interest_contracts
        )
    end as is_line_repeated,
    volume_contracts,
    open_interest_contracts,
    case when date_compared = date_before then interest_before_contracts end as interest_before_contracts
from expected
order by trade_date, expiry_date
