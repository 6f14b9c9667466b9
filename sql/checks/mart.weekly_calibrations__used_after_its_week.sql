-- check: mart.weekly_calibrations__used_after_its_week
-- severity: error
-- what: a calibration is used from a later session than the last one it knows; from the next one, unless the calendar has changed since it was stored
select calibration.calibrated_on_date, calibration.used_from_date, calibration.is_stored
from mart.weekly_calibrations as calibration
where calibration.used_from_date is null
    or calibration.used_from_date <= calibration.calibrated_on_date
    or (
        not calibration.is_stored
        and calibration.used_from_date is distinct from (
            select min(session.session_date)
            from ref.sessions as session
            where session.is_futures_session and session.session_date > calibration.calibrated_on_date
        )
    )
order by 1 desc
