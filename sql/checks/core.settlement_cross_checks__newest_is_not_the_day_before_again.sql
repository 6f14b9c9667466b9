-- check: core.settlement_cross_checks__newest_is_not_the_day_before_again
-- severity: warn
-- what: on the newest session no monthly has settle, high, low, volume and open interest of the session before, and not every one its settle
select judged.trade_date, judged.contract_code, judged.settle_pts, judged.volume_contracts
from core.settlement_cross_checks as judged
where judged.trade_date = (select max(trade_date) from mart.daily_term_structure)
    and (
        judged.is_line_repeated
        or not exists (
            select 1
            from core.settlement_cross_checks as other
            where other.trade_date = judged.trade_date and coalesce(other.move_log, 1) <> 0
        )
    )
order by judged.contract_code
