"""Numbers of the re-calibration, each also a parameter of ``transforms/parameters.toml`` with its provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class CalibrationRules:
    """How far each value looks back, and how much it must see.

    Attributes
    ----------
    beta_window_sessions
        Window of the betas, as ``mart.daily_sensitivities`` has it: what their observations are counted in.
    calibration_chain_window_sessions, calibration_chain_least_sessions
        Newest sessions whose chains are looked at, and how many of them must have one that can be used.
    calibration_month_sessions
        Sessions of one month of roll.
    calibration_roll_window_months, calibration_roll_least_months
        Months behind an expected roll, and how many of them must be known.
    calibration_static_least_coverage_frac
        Share of a month's sessions that must have a static roll-down for the month to have one.
    """

    beta_window_sessions: int = 252
    calibration_chain_window_sessions: int = 21
    calibration_chain_least_sessions: int = 5
    calibration_month_sessions: int = 21
    calibration_roll_window_months: int = 36
    calibration_roll_least_months: int = 24
    calibration_static_least_coverage_frac: float = 0.5


DEFAULT_CALIBRATION_RULES = CalibrationRules()


def build_calibration_rules(parameters: Mapping[str, float]) -> CalibrationRules:
    """Take the rules from named parameters (as ``ref.parameters``); others are ignored.

    Raises
    ------
    KeyError
        If one is missing: there are no silent defaults.
    ValueError
        If a count is no whole number.
    """
    taken: dict[str, float] = {}
    for field in fields(CalibrationRules):
        value = float(parameters[field.name])
        if field.type == "int" and value != int(value):
            raise ValueError(f"{field.name}: expected a whole number, found {value}")
        taken[field.name] = int(value) if field.type == "int" else value
    return CalibrationRules(**taken)  # type: ignore[arg-type]
