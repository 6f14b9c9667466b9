"""Inputs of a report made from formulas: no market data, no randomness, the same on every machine."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pandas as pd

from tests.support.explain_fixtures import make_facts
from tests.support.statement_facts import make_statement_facts
from transforms.report.context import build_report_context
from transforms.report.inputs import RANKS, ReportInputs
from transforms.statement.facts import StatementFacts

AS_OF = date(2026, 2, 20)
"""A Friday two sessions after the final settlement of 18 February 2026."""

SETTLEMENT_DATES = [
    date(2025, 9, 17), date(2025, 10, 22), date(2025, 11, 19), date(2025, 12, 17), date(2026, 1, 21),
    date(2026, 2, 18), date(2026, 3, 18), date(2026, 4, 15), date(2026, 5, 19), date(2026, 6, 17),
    date(2026, 7, 22), date(2026, 8, 19), date(2026, 9, 16), date(2026, 10, 21), date(2026, 11, 18),
    date(2026, 12, 16),
]  # fmt: skip
"""VX final settlement dates from the rule: 30 days before the third Friday of the month after."""

NOT_A_SESSION = {
    date(2025, 11, 27),
    date(2025, 12, 25),
    date(2026, 1, 1),
    date(2026, 1, 19),
    date(2026, 2, 16),
}

COLUMNS = {
    "contango_frac": {
        "unit": "fraction",
        "meaning": "Second monthly settlement over the first, less one.",
        "formula": "vx2_settle_pts / vx1_settle_pts - 1",
        "source": "daily settlements of the exchange",
    },
    "vix_close_pts": {"unit": "points", "meaning": "Closing level of VIX.", "source": "index history"},
}


def make_sessions(count: int, as_of: date = AS_OF) -> list[date]:
    """Return the last ``count`` weekdays up to ``as_of`` that are no holiday of the fixture."""
    days: list[date] = []
    day = as_of
    while len(days) < count:
        if day.weekday() < 5 and day not in NOT_A_SESSION:
            days.append(day)
        day -= timedelta(days=1)
    return days[::-1]


def state_of(contango: float) -> str:
    """Return the raw curve state with the default edges 0, 3% and 8%."""
    names = ("backwardation", "flat", "contango", "steep")
    return names[sum(contango >= edge for edge in (0.0, 0.03, 0.08))]


def level_of(vix: float) -> str:
    """Return the volatility bucket of a VIX close."""
    names = ("<15", "15-20", "20-25", "25-30", ">=30")
    return names[sum(vix >= edge for edge in (15, 20, 25, 30))]


def make_row(session: date, place: int) -> dict[str, Any]:
    """Return one session: VIX on two slow waves with one shock, a curve pulled towards 20.5."""
    vix = 17.0 + 2.2 * math.sin(place / 9) + 0.8 * math.sin(place / 2.3) + 13 * math.exp(-(((place - 48) / 4) ** 2))
    expiries = [expiry for expiry in SETTLEMENT_DATES if expiry > session][: len(RANKS)]
    settles = [round(20.5 + (vix - 20.5) * math.exp(-(expiry - session).days / 80), 2) for expiry in expiries]
    vix = round(vix, 2)
    contango = settles[1] / settles[0] - 1
    cm30, cm60, cm90 = (interpolate(session, expiries, settles, days) for days in (30, 60, 90))
    row: dict[str, Any] = {"trade_date": session, "vix_close_pts": vix}
    row |= {f"vx{rank}_settle_pts": settles[rank - 1] for rank in RANKS}
    row |= {f"vx{rank}_expiry_date": expiries[rank - 1] for rank in RANKS}
    return row | {
        "contango_frac": contango,
        "contango_4_7_frac": settles[6] / settles[3] - 1,
        "basis_frac": settles[0] / vix - 1,
        "daily_roll_pts": (settles[0] - vix) / max(10, (expiries[0] - session).days * 5 / 7),
        "vix_vix3m_ratio": vix / cm90 if cm90 else None,
        "cm30_pts": cm30,
        "cm60_pts": cm60,
        "cm90_pts": cm90,
        "cm_slope_log": math.log(cm60 / cm30) if cm30 and cm60 else None,
        "roll_down_front_frac": vix / cm30 - 1 if cm30 else None,
        "roll_down_second_frac": cm30 / cm60 - 1 if cm30 and cm60 else None,
        "vol_level": level_of(vix),
        "curve_state": state_of(contango),
        "curve_regime": state_of(contango),
        "days_in_regime": 1,
        "contango_pctile": 0.5 + 0.4 * math.sin(place / 11),
        "vix_pctile": 0.5 + 0.4 * math.cos(place / 11),
    }


def interpolate(session: date, expiries: list[date], settles: list[float], days: int) -> float | None:
    """Return the linear constant maturity at ``days``, None outside the listed contracts."""
    tenors = [(expiry - session).days for expiry in expiries]
    for near in range(len(tenors) - 1):
        if tenors[near] <= days <= tenors[near + 1]:
            weight = (tenors[near + 1] - days) / (tenors[near + 1] - tenors[near])
            return round(weight * settles[near] + (1 - weight) * settles[near + 1], 4)
    return None


def make_term_structure(count: int = 100, as_of: date = AS_OF) -> pd.DataFrame:
    """Return ``count`` sessions of ``mart.daily_term_structure`` ending at ``as_of``."""
    sessions = make_sessions(count, as_of)
    rows = [make_row(session, place + 100 - count) for place, session in enumerate(sessions)]
    days = 0
    for place, row in enumerate(rows):
        days = days + 1 if place and row["curve_regime"] == rows[place - 1]["curve_regime"] else 1
        row["days_in_regime"] = days
    return pd.DataFrame(rows)


def make_volatility_indices(sessions: list[date]) -> pd.DataFrame:
    """Return rebuilt indices that lose 0.2% (short, excess), 0.19% (short) and 0.05% (mid) a session."""
    return pd.DataFrame(
        {
            "trade_date": sessions,
            "short_term_tr": [1000 * 0.9981**place for place in range(len(sessions))],
            "mid_term_tr": [1000 * 0.9995**place for place in range(len(sessions))],
            "short_term_er": [1000 * 0.998**place for place in range(len(sessions))],
        }
    )


def make_source(**changes: Any) -> dict[str, Any]:
    """Return one fresh source."""
    return {
        "publisher": "cboe",
        "dataset": "vx_contract",
        "label": "VX contract files",
        "files": 158,
        "newest_reference_date": AS_OF,
        "fetched_at_utc": datetime(2026, 2, 20, 23, 31, 4, tzinfo=UTC),
        "age_sessions": 0,
        "status": "ok",
        "requirement": "required",
        "note": None,
    } | changes


def make_check(**changes: Any) -> dict[str, Any]:
    """Return one check that passed."""
    return {
        "check_name": "daily_vx_settlements__settle_is_positive",
        "kind": "sql",
        "severity": "error",
        "is_passed": True,
        "offending_rows": 0,
        "what": "Every settlement is above zero.",
        "sample": [],
    } | changes


def make_quarantine(**changes: Any) -> dict[str, Any]:
    """Return one old group of rejected rows."""
    return {
        "dataset": "vx_contract",
        "reason": "settle is zero while close is not",
        "disposition": "field_nulled",
        "rows": 812,
        "first_trade_date": date(2013, 1, 2),
        "last_trade_date": date(2013, 7, 12),
        "example": "VX_2013-08-21.csv: 2013-01-02, close 18.25, settle 0",
    } | changes


def make_revision(**changes: Any) -> dict[str, Any]:
    """Return one value that changed since an earlier run."""
    return {
        "detected_run_id": "20260220T233000Z-1f3a",
        "detected_at_utc": datetime(2026, 2, 20, 23, 31, 9, tzinfo=UTC),
        "table_name": "core.daily_vx_settlements",
        "trade_date": date(2026, 2, 19),
        "key": "VXH26",
        "column_name": "settle_pts",
        "old_value": 18.6,
        "new_value": 18.65,
    } | changes


@cache
def _usual_statement() -> StatementFacts:
    """Read by every report of the tests, and changed by none."""
    return make_statement_facts()


def make_inputs(sessions: int = 100, **changes: Any) -> ReportInputs:
    """Return the inputs of a healthy night on the real market; ``changes`` replace fields."""
    frame = make_term_structure(sessions)
    levels = [
        {
            "trade_date": row["trade_date"],
            "index_code": code,
            "close_pts": round(factor * row["vix_close_pts"], 2),
        }
        for row in frame.tail(2).to_dict("records")
        for code, factor in (("VIX", 1), ("VIX3M", 1.16), ("VIX9D", 0.93), ("VVIX", 5.6), ("SPX", 420))
    ]
    inputs = ReportInputs(
        as_of=AS_OF,
        run={
            "run_id": "20260220T233000Z-1f3a",
            "started_at_utc": datetime(2026, 2, 20, 23, 30, 0, tzinfo=UTC),
            "finished_at_utc": datetime(2026, 2, 20, 23, 31, 40, tzinfo=UTC),
            "code_version": "0.1.0+d8568e1",
            "package_versions": {"duckdb": "1.4.1", "pandas": "3.1.1"},
            "source": "cboe",
            "market": "real",
            "warehouse_sha256": "ab" * 32,
            "policy_hash": None,
            "parameters": {
                "curve_flat_from_frac": 0.0,
                "curve_contango_from_frac": 0.03,
                "curve_steep_from_frac": 0.08,
                "regime_confirm_days": 2,
            },
        },
        term_structure=frame,
        index_levels=pd.DataFrame(levels),
        volatility_indices=make_volatility_indices(list(frame["trade_date"])),
        sources=[
            make_source(),
            make_source(dataset="index_history", label="VIX history", files=1),
            make_source(publisher="fred", dataset="rate", label="91-day bill", files=1, requirement="expected"),
        ],
        checks=[make_check(), make_check(check_name="daily_term_structure__grain_is_unique")],
        columns=COLUMNS,
        expected_session=AS_OF,
        hedge=make_facts(),
        statement=_usual_statement(),
    )
    return replace(inputs, **changes)


def change_tonight(frame: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """Return the frame with cells of its last row replaced; None stands for not published."""
    rows = frame.to_dict("records")
    rows[-1] |= values
    return pd.DataFrame(rows, columns=frame.columns)


def build_context(**changes: Any) -> dict[str, Any]:
    """The context of a night in which these inputs are otherwise."""
    return build_context_anew(**changes) if changes else copy.deepcopy(_build_usual())


def build_context_anew(**changes: Any) -> dict[str, Any]:
    """As :func:`build_context`, and computed whatever was computed before."""
    return build_report_context(make_inputs(**changes))


@cache
def _build_usual() -> dict[str, Any]:
    # Most tests go on from a copy of it.
    return build_context_anew()
