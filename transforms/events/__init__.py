"""Dated reference tables: when something happened, or was to happen, and when that became known.

Public facts, shipped as TOML beside the loaders: FOMC decisions, release days of macro series, turning points
of the business cycle, launches of volatility products. Each loader checks its table and names the entry that
cannot be right.
"""

from transforms.events.etp import EtpLaunch, etp_launches
from transforms.events.fomc import CalendarDifference, FomcMeeting, fomc_meetings, merge_meetings
from transforms.events.fomc_page import parse_fomc_page
from transforms.events.nber import TurningPoint, nber_turning_points
from transforms.events.releases import ReleaseDate, estimate_release_date, release_date_of, release_dates

__all__ = [
    "CalendarDifference",
    "EtpLaunch",
    "FomcMeeting",
    "ReleaseDate",
    "TurningPoint",
    "estimate_release_date",
    "etp_launches",
    "fomc_meetings",
    "merge_meetings",
    "nber_turning_points",
    "parse_fomc_page",
    "release_date_of",
    "release_dates",
]
