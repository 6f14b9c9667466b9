"""The curve of a session beside the curves of one day, one week and one month before."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pandas as pd

from transforms.page.text import clean_text, is_missing, join_words, say_date, to_date, to_number
from transforms.report.inputs import RANKS, ReportInputs
from transforms.report.measures import ALL_MEASURES, FUTURES_INDICES, MEASURE_COLUMNS, short_name

COMPARISONS = (("1 day before", 1), ("1 week before", 5), ("1 month before", 21))
"""Label and number of sessions back of each session that tonight is held against."""

HISTORY_SESSIONS = 90
REGIMES = ("backwardation", "flat", "contango", "steep")
REGIME_COLUMNS = ("vol_level", "curve_state", "curve_regime")

Session = dict[str, Any]
"""One row of the term structure: floats, dates and strings, None where missing."""


def read_sessions(term_structure: pd.DataFrame) -> list[Session]:
    """Return the rows that a report can show, oldest first, as plain values."""
    rows = term_structure.tail(max(HISTORY_SESSIONS, COMPARISONS[-1][1] + 1)).to_dict("records")
    return [{str(column): _read_cell(str(column), value) for column, value in row.items()} for row in rows]


def _read_cell(column: str, value: Any) -> Any:
    if column == "trade_date" or column.endswith("_date"):
        return to_date(value)
    if column in REGIME_COLUMNS:
        return None if is_missing(value) else clean_text(value)
    return None if is_missing(value) else value if isinstance(value, str) else to_number(value)


def build_curve(inputs: ReportInputs, sessions: list[Session]) -> dict[str, Any]:
    """Return the ``curve`` part of ``hedge-state.json``.

    Changes follow the contract, not the rank: on a final settlement date VX1 is the contract
    that was VX2 the day before, and its change is measured against that settlement.
    """
    tonight = sessions[-1]
    comparisons = []
    for label, back in COMPARISONS:
        before = sessions[-1 - back] if len(sessions) > back else None
        comparisons.append(
            {
                "label": label,
                "sessions_back": back,
                "trade_date": before["trade_date"].isoformat() if before else None,
                "vix_close_pts": before["vix_close_pts"] if before else None,
                "contracts": _contracts(before) if before else [],
                "measures": {column: before[column] if before else None for column in MEASURE_COLUMNS},
            }
        )
    yesterday = sessions[-2] if len(sessions) > 1 else None
    return {
        "trade_date": tonight["trade_date"].isoformat(),
        "vix_close_pts": tonight["vix_close_pts"],
        "vix_change_1d_pts": _difference(tonight["vix_close_pts"], yesterday["vix_close_pts"] if yesterday else None),
        "contracts": _contracts_with_change(tonight, yesterday),
        "measures": {column: tonight[column] for column in MEASURE_COLUMNS},
        "comparisons": comparisons,
        "roll_down": _roll_down(inputs.volatility_indices, sessions),
        "index_levels": _index_levels(inputs.index_levels, inputs.as_of),
        "futures_indices": _futures_indices(inputs.volatility_indices, sessions),
        "missing": [
            {"column": column, "reason": explain_missing(column, tonight)}
            for column in ("vix_close_pts", *(f"vx{rank}_settle_pts" for rank in RANKS), *MEASURE_COLUMNS)
            if tonight[column] is None
        ],
    }


def build_regime(sessions: list[Session]) -> dict[str, Any]:
    """Return the ``regime`` part of ``hedge-state.json``: both axes, raw and confirmed, and how long."""
    tonight = sessions[-1]
    state, regime = tonight["curve_state"], tonight["curve_regime"]
    days = tonight["days_in_regime"]
    comparisons = []
    for label, back in COMPARISONS:
        before = sessions[-1 - back] if len(sessions) > back else None
        comparisons.append(
            {
                "label": label,
                "trade_date": before["trade_date"].isoformat() if before else None,
                **{column: before[column] if before else None for column in REGIME_COLUMNS},
                "days_in_regime": _count(before["days_in_regime"]) if before else None,
            }
        )
    recent = sessions[-HISTORY_SESSIONS:]
    counts = Counter(session["curve_regime"] for session in recent)
    return {
        "trade_date": tonight["trade_date"].isoformat(),
        **{column: tonight[column] for column in REGIME_COLUMNS},
        "is_confirmed": None if state is None or regime is None else state == regime,
        "days_in_regime": _count(days),
        "contango_pctile": tonight["contango_pctile"],
        "vix_pctile": tonight["vix_pctile"],
        "comparisons": comparisons,
        "recent": {
            "sessions": len(recent),
            "first_trade_date": recent[0]["trade_date"].isoformat(),
            **{name: counts[name] for name in REGIMES},
            "not_evaluable": counts[None],
        },
    }


def build_history(sessions: list[Session]) -> list[dict[str, Any]]:
    """Return the last 90 sessions for the chart: VIX and VX1 in points, contango, regime."""
    return [
        {
            "trade_date": session["trade_date"].isoformat(),
            "vix_close_pts": session["vix_close_pts"],
            "vx1_settle_pts": session["vx1_settle_pts"],
            "contango_frac": session["contango_frac"],
            "curve_regime": session["curve_regime"],
        }
        for session in sessions[-HISTORY_SESSIONS:]
    ]


def explain_missing(column: str, session: Session) -> str:
    """Return in words why a value of a session is missing, as far as the session itself shows it."""
    day = say_date(session["trade_date"])
    if column == "vix_close_pts":
        return f"no VIX close for {day}; a close of another session is never carried"
    if column.startswith("vx") and column.endswith("_settle_pts"):
        expiry = session[column.replace("_settle_pts", "_expiry_date")]
        if expiry is None:
            return f"no monthly contract of this rank listed on {day}"
        return f"no settlement on {day} for the contract expiring {say_date(expiry)}"
    measure = ALL_MEASURES.get(column)
    absent = [short_name(need) for need in measure.needs if session[need] is None] if measure else []
    if absent:
        return f"needs {join_words(absent)}, which {'is' if len(absent) == 1 else 'are'} missing on {day}"
    if column.startswith("cm") and column.endswith("_pts"):
        days = column.removeprefix("cm").removesuffix("_pts")
        return f"{days} days lie outside the settlements of {day}; never extrapolated"
    if column == "vix_vix3m_ratio":
        return f"needs VIX3M of the same session, not published for {day}"
    return f"not evaluable from the data of {day}"


def _contracts(session: Session) -> list[dict[str, Any]]:
    contracts = []
    for rank in RANKS:
        expiry = session[f"vx{rank}_expiry_date"]
        contracts.append(
            {
                "rank": rank,
                "expiry_date": expiry.isoformat() if expiry else None,
                "calendar_days_to_expiry": (expiry - session["trade_date"]).days if expiry else None,
                "settle_pts": session[f"vx{rank}_settle_pts"],
            }
        )
    return contracts


def _contracts_with_change(session: Session, before: Session | None) -> list[dict[str, Any]]:
    ranks_before = (
        {before[f"vx{rank}_expiry_date"]: rank for rank in RANKS if before[f"vx{rank}_expiry_date"]} if before else {}
    )
    contracts = _contracts(session)
    for contract in contracts:
        rank_before = ranks_before.get(session[f"vx{contract['rank']}_expiry_date"])
        settle_before = before[f"vx{rank_before}_settle_pts"] if before and rank_before else None
        contract["rank_1d_before"] = rank_before
        contract["is_rank_shifted"] = None if rank_before is None else rank_before != contract["rank"]
        contract["change_1d_pts"] = _difference(contract["settle_pts"], settle_before)
    return contracts


def _index_levels(levels: pd.DataFrame, as_of: date) -> list[dict[str, Any]]:
    closes: dict[str, dict[date, float | None]] = {}
    for row in levels.to_dict("records"):
        day = to_date(row["trade_date"])
        if day is not None and not is_missing(row["index_code"]):
            closes.setdefault(clean_text(row["index_code"]), {})[day] = to_number(row["close_pts"])
    before = max((day for days in closes.values() for day in days if day < as_of), default=None)
    result = []
    for code in sorted(closes, key=lambda code: (not code.startswith("VIX"), len(code), code)):
        close = closes[code].get(as_of)
        previous = closes[code].get(before) if before else None
        result.append(
            {
                "index_code": code,
                "close_pts": close,
                "previous_trade_date": before.isoformat() if before else None,
                "previous_close_pts": previous,
                "change_1d_pts": _difference(close, previous),
            }
        )
    return result


def _levels_by_date(indices: pd.DataFrame, column: str) -> dict[date, float | None]:
    days = (to_date(value) for value in indices["trade_date"])
    return {day: to_number(value) for day, value in zip(days, indices[column], strict=True) if day}


def _futures_indices(indices: pd.DataFrame, sessions: list[Session]) -> list[dict[str, Any]]:
    result = []
    for column in FUTURES_INDICES:
        levels = _levels_by_date(indices, column)
        level = levels.get(sessions[-1]["trade_date"])
        returns = {}
        for _, back in COMPARISONS:
            before = levels.get(sessions[-1 - back]["trade_date"]) if len(sessions) > back else None
            returns[f"return_{back}_sessions_frac"] = _growth(level, before)
        result.append({"index_name": column, "level": level, **returns})
    return result


def _roll_down(indices: pd.DataFrame, sessions: list[Session]) -> dict[str, Any]:
    """Hold last month's static promise against what a holder of the futures has earned since."""
    back = COMPARISONS[-1][1]
    quoted = sessions[-1 - back] if len(sessions) > back else None
    levels = _levels_by_date(indices, "short_term_er")
    return {
        "quoted_trade_date": quoted["trade_date"].isoformat() if quoted else None,
        "quoted_roll_down_front_frac": quoted["roll_down_front_frac"] if quoted else None,
        "realised_short_term_er_frac": (
            _growth(levels.get(sessions[-1]["trade_date"]), levels.get(quoted["trade_date"])) if quoted else None
        ),
    }


def _difference(now: float | None, before: float | None) -> float | None:
    # Prices have two to four decimals: rounding removes the noise of binary floats, not information.
    return None if now is None or before is None else round(now - before, 6)


def _growth(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else round(now / before - 1, 10)


def _count(value: float | None) -> int | None:
    return None if value is None else int(value)
