-- check: mart.daily_term_structure__newest_session_has_front_months
-- severity: error
-- what: the newest session has settlements of VX1 to VX4
select trade_date, vx1_settle_pts, vx2_settle_pts, vx3_settle_pts, vx4_settle_pts
from mart.daily_term_structure
where trade_date = (select max(trade_date) from mart.daily_term_structure)
    and (vx1_settle_pts is null or vx2_settle_pts is null or vx3_settle_pts is null or vx4_settle_pts is null)
