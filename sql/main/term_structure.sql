-- model: main.term_structure
-- grain: trade_date
-- reads: mart.daily_term_structure
-- what: the VIX futures curve of each session, short name of mart.daily_term_structure
-- source: methodology sections 2 and 3 (docs/methodology.md)
-- edge: one row a session; what is missing is NULL and is not replaced
select
    trade_date,
    vix_close_pts,
    vx1_settle_pts,
    vx2_settle_pts,
    vx3_settle_pts,
    vx4_settle_pts,
    vx5_settle_pts,
    vx6_settle_pts,
    vx7_settle_pts,
    vx8_settle_pts,
    vx9_settle_pts,
    vx1_expiry_date,
    vx2_expiry_date,
    vx3_expiry_date,
    vx4_expiry_date,
    vx5_expiry_date,
    vx6_expiry_date,
    vx7_expiry_date,
    vx8_expiry_date,
    vx9_expiry_date,
    contango_frac,
    contango_4_7_frac,
    basis_frac,
    daily_roll_pts,
    vix_vix3m_ratio,
    cm30_pts,
    cm60_pts,
    cm90_pts,
    cm_slope_log,
    roll_down_front_frac,
    roll_down_second_frac,
    vol_level,
    curve_state,
    curve_regime,
    days_in_regime,
    contango_pctile,
    vix_pctile
from mart.daily_term_structure
