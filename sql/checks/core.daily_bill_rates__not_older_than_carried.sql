-- check: core.daily_bill_rates__not_older_than_carried
-- severity: warn
-- what: a bill rate within the longest carry of the newest session exists (else the total-return indices are NULL)
select max(rate.observation_date) as newest_rate, newest.trade_date as newest_vx_session
from (select max(trade_date) as trade_date from mart.daily_term_structure) as newest
left join core.daily_bill_rates as rate on rate.observation_date <= newest.trade_date
group by newest.trade_date
having coalesce(newest.trade_date - max(rate.observation_date), 9999) > (
    select value from ref.parameters where parameter = 'bill_rate_longest_carry_days'
)
