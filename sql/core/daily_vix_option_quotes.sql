-- model: core.daily_vix_option_quotes
-- grain: trade_date, option_symbol
-- reads: stg.vix_option_rows, stg.vix_option_snapshots, core.daily_vx_settlements, core.daily_bill_rates
-- what: the VIX option chain after each session's close: quotes, judged against no-arbitrage bounds, with Black-76 volatility and delta on the future that parity implies
-- source: Cboe delayed quotes; methodology section 9; transforms/options
-- edge: a quote that breaks a bound is kept with its drop_reason and has no volatility; the bill rate is the newest of an earlier day
-- compute: transforms.options.models.compute_option_quotes
-- slice: trade_date
select
    snapshot.trade_date,
    quote.expiry_date,
    quote.option_symbol,
    quote.option_root,
    quote.option_right,
    quote.strike_pts,
    quote.bid_pts,
    quote.ask_pts,
    quote.bid_size_contracts,
    quote.ask_size_contracts,
    quote.volume_contracts,
    quote.open_interest_contracts,
    quote.published_iv_frac,
    settled.settle_pts,
    bill.observation_date as bill_observation_date,
    bill.bill_discount_rate_frac
from stg.vix_option_rows as quote
join stg.vix_option_snapshots as snapshot
    on snapshot.snapshot_at_utc = quote.snapshot_at_utc and snapshot.snapshot_status = 'used'
left join core.daily_vx_settlements as settled
    on settled.trade_date = snapshot.trade_date and settled.expiry_date = quote.expiry_date
asof left join core.daily_bill_rates as bill on bill.observation_date < snapshot.trade_date
order by snapshot.trade_date, quote.option_symbol
