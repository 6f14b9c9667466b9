-- check: mart.daily_volatility_indices__returns_have_no_hole
-- severity: warn
-- what: since 2006 every equity session with settlements has a level of the rebuilt short-term index
select trade_date
from mart.daily_volatility_indices
where trade_date >= date '2006-10-01' and short_term_er is null
order by trade_date desc
