-- check: mart.book_orders__lead_to_the_target
-- severity: error
-- what: in the account of the book every order leads to the target over all layers: an option to the contract, the VX and VXM of a month together to half a contract and the slack of the targets; where a gap is left, the reason says so
with
slack as (
    select value as slack_frac
    from ref.parameters
    where parameter = 'base_band_slack_frac'
),

sized as (
    select
        trade_date,
        instrument,
        starts_with(instrument, 'VX') as is_future,
        split_part(instrument, ' ', 2) as settles_on,
        case when starts_with(instrument, 'VX ') then 1000 when starts_with(instrument, 'VXM ') then 100 end as unit_usd,
        base_target_contracts + temporal_vega_target_contracts + second_engine_target_contracts as layers_contracts,
        target_contracts,
        held_contracts,
        order_contracts,
        reason
    from mart.book_orders
),

months as (
    select
        *,
        sum(order_contracts * unit_usd) over (partition by trade_date, settles_on, is_future) as ordered_usd,
        sum((target_contracts - held_contracts - order_contracts) * unit_usd)
            over (partition by trade_date, settles_on, is_future) as left_usd,
        500 + slack.slack_frac * sum(abs(target_contracts) * unit_usd)
            over (partition by trade_date, settles_on, is_future) as most_left_usd
    from sized
    cross join slack
)

select trade_date, instrument, layers_contracts, target_contracts, held_contracts, order_contracts, reason
from months
where layers_contracts is distinct from target_contracts
    or (order_contracts is null) <> (target_contracts is null)
    or (order_contracts = 0 and target_contracts <> held_contracts and not starts_with(reason, 'no order'))
    or (not is_future and order_contracts <> 0 and order_contracts <> target_contracts - held_contracts)
    or (is_future and ordered_usd <> 0 and abs(left_usd) > most_left_usd)
order by all
