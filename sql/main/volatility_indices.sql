-- model: main.volatility_indices
-- grain: trade_date
-- reads: mart.daily_volatility_indices
-- what: the rebuilt S&P 500 VIX futures indices, short name of mart.daily_volatility_indices
-- source: docs/methodology.md, rebuilt indices
-- edge: levels compare only within one base date
select
    trade_date,
    short_term_tr,
    mid_term_tr,
    short_term_er,
    short_term_base_date,
    mid_term_base_date
from mart.daily_volatility_indices
