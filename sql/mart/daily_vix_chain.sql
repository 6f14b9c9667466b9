-- model: mart.daily_vix_chain
-- grain: trade_date, expiry_date
-- reads: core.daily_vix_option_quotes, core.daily_vx_settlements, core.daily_bill_rates
-- what: what the VIX option chain says of each expiry after each session: the future implied by put-call parity and its gap to the settlement, volatilities, skew, and how many quotes were dropped for which reason
-- source: methodology section 9; transforms/options
-- edge: history exists from the first night on; an expiry whose quotes lock in money against each other is shown and left out of the session's values
-- compute: transforms.options.models.compute_option_expiries
-- slice: trade_date
select
    quote.trade_date,
    quote.expiry_date,
    quote.option_symbol,
    quote.option_root,
    quote.option_right,
    quote.strike_pts,
    quote.bid_pts,
    quote.ask_pts,
    quote.bid_size_contracts,
    quote.ask_size_contracts,
    settled.settle_pts,
    bill.observation_date as bill_observation_date,
    bill.bill_discount_rate_frac
from core.daily_vix_option_quotes as quote
left join core.daily_vx_settlements as settled
    on settled.trade_date = quote.trade_date and settled.expiry_date = quote.expiry_date
asof left join core.daily_bill_rates as bill on bill.observation_date < quote.trade_date
order by quote.trade_date, quote.option_symbol
