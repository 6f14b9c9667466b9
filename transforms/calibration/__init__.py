"""Weekly re-calibration: what is measured anew after each week, from when on it is used, and how it is looked up."""

from transforms.calibration.matching import match_betas
from transforms.calibration.rules import DEFAULT_CALIBRATION_RULES, CalibrationRules, build_calibration_rules
from transforms.calibration.weekly import (
    CALIBRATION_DTYPES,
    VALUE_COLUMNS,
    CalibrationFrames,
    compute_weekly_calibrations,
)

__all__ = [
    "CALIBRATION_DTYPES",
    "DEFAULT_CALIBRATION_RULES",
    "VALUE_COLUMNS",
    "CalibrationFrames",
    "CalibrationRules",
    "build_calibration_rules",
    "compute_weekly_calibrations",
    "match_betas",
]
