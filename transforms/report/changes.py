"""What a session changed against the one before, and what would change next, with how far away each trigger is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from transforms.explain.words import LAYER_NAMES, say_distance, say_threshold
from transforms.page.tables import Table, make_cell, make_column, make_row, make_table
from transforms.page.text import MISSING, NOT_PUBLISHED, join_words, say_count, say_date, say_level, say_number
from transforms.report.curve import Session
from transforms.report.links import href_of
from transforms.statement.words import say_usd

_COLUMN_NAME = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")
_SIGNS = {">=": "\N{GREATER-THAN OR EQUAL TO} ", "<=": "\N{LESS-THAN OR EQUAL TO} ", ">": "above ", "<": "below "}
_NAMES = {
    "vix_close_pts": "VIX",
    "vx1_trading_days_to_expiry": "trading days to the settlement of VX1",
    "vx1_settle_pts": "VX1",
    "vvix_rsi14": "RSI of VVIX",
    "ad_divergence_z": "divergence of breadth",
    "rv_excursions": "excursions",
    "is_ts_macd_converging": "convergence of the term-structure MACD",
    "contango_frac": "contango",
    "spx_rsi14": "RSI of the S&P 500",
    "spx_from_high_frac": "S&P 500 from its high",
    "vix_over_rv21_frac": "VIX over realised",
    "trailing_pnl_frac": "estimated P&L of 252 sessions",
    "temporal_pnl_since_entry_frac": "estimated P&L of temporal vega since entry",
}
"""Columns that rules look at most, as they are called in a sentence."""


def build_since_yesterday(
    sessions: Sequence[Session],
    timeline: Sequence[Mapping[str, Any]],
    curve: Mapping[str, Any],
    statement: Mapping[str, Any] | None,
    revisions: int,
) -> dict[str, Any]:
    """Return what changed since the session before, as ``since_yesterday`` of ``hedge-state.json``.

    Parameters
    ----------
    sessions
        Rows of the term structure, oldest first, this session last.
    timeline
        Rows of the layers' timeline, oldest first; empty where no policy is applied.
    curve
        ``curve`` of ``hedge-state.json``: a change of VX1 is that of the same contract.
    statement
        Positions and ledger; None where the warehouse has none.
    revisions
        Values published before that this run found changed.

    Returns
    -------
    dict
        ``previous_trade_date``; ``changes``: ``subject``, ``before``, ``after`` of states, steps, governor, policy and
        regime that are not what they were; ``vix_change_pts``, ``vx1_change_pts``, ``contango_change_frac``;
        ``pnl_usd``; ``traded_count``, ``order_count``; ``restated_count``; ``is_prices_only``. Unknown is None.
    """
    tonight = sessions[-1]
    before = sessions[-2] if len(sessions) > 1 else None
    changes = [*_state_changes(timeline, before), *_regime_changes(tonight, before)]
    # the rows of the layers; the last one of the totals is all of them together
    orders = (
        None
        if statement is None
        else sum(int(one["order_count"]) for one in statement["totals"] if one["layer"] in LAYER_NAMES)
    )
    traded = None if statement is None else len(statement["trades"])
    front = curve["contracts"][0]
    contango = (tonight["contango_frac"], before["contango_frac"] if before else None)
    return {
        "previous_trade_date": before["trade_date"].isoformat() if before else None,
        "changes": changes,
        "vix_change_pts": curve["vix_change_1d_pts"],
        "vx1_change_pts": front["change_1d_pts"],
        "contango_change_frac": None if None in contango else contango[0] - contango[1],
        "pnl_usd": None if statement is None else _session_pnl(statement),
        "traded_count": traded,
        "order_count": orders,
        "restated_count": revisions,
        "is_prices_only": not changes and not orders and not traded and not revisions,
    }


def _session_pnl(statement: Mapping[str, Any]) -> float | None:
    window = next(one for one in statement["funding"]["windows"] if one["window"] == "session")
    whole = [row["pnl_usd"] for row in window["layers"] if row["layer"] == "portfolio"]
    return float(whole[0]) if whole else None


def _state_changes(timeline: Sequence[Mapping[str, Any]], before: Session | None) -> list[dict[str, Any]]:
    if before is None or len(timeline) < 2 or timeline[-2]["trade_date"] != before["trade_date"]:
        return []
    old, new = timeline[-2], timeline[-1]
    found = []
    for layer, name in LAYER_NAMES.items():
        if old[layer] != new[layer]:
            found.append(_change(name, old[layer], new[layer]))
    if (old["temporal_steps"] or 0) != (new["temporal_steps"] or 0):
        found.append(_change("steps of temporal vega", *(str(int(one["temporal_steps"] or 0)) for one in (old, new))))
    if old.get("base_rank") != new.get("base_rank"):
        found.append(_change("month of the base", *(_say_rank(one.get("base_rank")) for one in (old, new))))
    if old["governor_mode"] != new["governor_mode"]:
        found.append(_change("governor", old["governor_mode"], new["governor_mode"]))
    if old.get("policy_hash") != new.get("policy_hash"):
        found.append(_change("policy", *(str(one.get("policy_hash") or MISSING)[:12] for one in (old, new))))
    return found


def _say_rank(rank: Any) -> str:
    return MISSING if rank is None else f"VX{int(rank)}"


def _regime_changes(tonight: Session, before: Session | None) -> list[dict[str, Any]]:
    if before is None:
        return []
    names = {"curve_regime": "curve regime", "curve_state": "curve state", "vol_level": "VIX level"}
    return [
        _change(name, *(say_level(str(one[column])) if one[column] else None for one in (before, tonight)))
        for column, name in names.items()
        if before[column] != tonight[column]
    ]


def _change(subject: str, before: str | None, after: str | None) -> dict[str, Any]:
    return {"subject": subject, "before": before, "after": after}


def say_since_yesterday(since: Mapping[str, Any]) -> str:
    """Return the change in one line: ``temporal vega: idle to armed; 2 orders ...``, or that only prices moved."""
    if since["previous_trade_date"] is None:
        return "No session before this one is in the warehouse."
    if since["is_prices_only"]:
        return "Nothing but prices: no state, no step, no mode, no regime, no order, no published value changed."
    words = [f"{one['subject']} {one['before'] or 'unknown'} \N{RIGHTWARDS ARROW} {one['after'] or 'unknown'}"
             for one in since["changes"]]  # fmt: skip
    if not words:
        words.append("no state and no regime changed")
    if since["traded_count"]:
        words.append(f"{say_count(since['traded_count'], 'trade')} at this session's settlement")
    if since["order_count"]:
        words.append(f"{say_count(since['order_count'], 'order')} for the next one")
    if since["restated_count"]:
        words.append(f"{say_count(since['restated_count'], 'value')} published before restated")
    text = "; ".join(words)
    return f"{text[:1].upper()}{text[1:]}."


def build_move_table(curve: Mapping[str, Any], since: Mapping[str, Any]) -> Table:
    """Return VIX, VX1, contango and the P&L of the session: before, now, change."""
    earlier = curve["comparisons"][0]
    front = curve["contracts"][0]
    contract = next(
        (one for one in earlier["contracts"] if one["rank"] == front["rank_1d_before"]), {"settle_pts": None}
    )
    contango = (earlier["measures"]["contango_frac"], curve["measures"]["contango_frac"])
    day = since["previous_trade_date"]
    columns = [
        make_column(""),
        make_column("Before", say_date(day, year=False) if day else "", is_number=True),
        make_column("Now", say_date(curve["trade_date"], year=False), is_number=True),
        make_column("Change", is_number=True),
    ]
    change = since["contango_change_frac"]
    points = MISSING if change is None else f"{say_number(100 * change, 'pts', signed=True)} pp"
    rows = [
        _move("VIX", "vix_close_pts", earlier["vix_close_pts"], curve["vix_close_pts"], since["vix_change_pts"]),
        _move("VX1", "vx1_settle_pts", contract["settle_pts"], front["settle_pts"], since["vx1_change_pts"]),
        make_row(
            make_cell("Contango", href=href_of("contango_frac")),
            *(make_cell(say_number(one, "frac", signed=True), tone=_missing(one)) for one in contango),
            make_cell(points, tone=_missing(change)),
        ),
    ]
    if since["pnl_usd"] is not None:
        rows.append(
            make_row(
                make_cell("P&L of the session", href=href_of("pnl_usd")),
                make_cell(""),
                make_cell(""),
                make_cell(say_usd(since["pnl_usd"], signed=True)),
            )
        )
    notes = [f"VX1 was VX{front['rank_1d_before']} the session before: the same contract is compared."]
    return make_table(columns, rows, notes if front["is_rank_shifted"] and front["rank_1d_before"] else [])


def _move(label: str, column: str, before: float | None, now: float | None, change: float | None) -> dict[str, Any]:
    return make_row(
        make_cell(label, href=href_of(column)),
        make_cell(say_number(before, "pts"), tone=_missing(before)),
        make_cell(NOT_PUBLISHED if now is None else say_number(now, "pts"), tone=_missing(now)),
        make_cell(say_number(change, "pts", signed=True), tone=_missing(change)),
    )


def _missing(value: float | None) -> str:
    return "missing" if value is None else ""


def build_next_changes(explanation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the nearest transition of each layer and of the governor, as ``next_changes`` of ``hedge-state.json``.

    The nearest one is that with the fewest conditions still open, then the smallest distance relative to its
    threshold; one that cannot be evaluated comes last. It is a reading of tonight's distances, not a forecast.

    Returns
    -------
    list of dict
        ``layer`` (or ``governor``), ``what``, ``to_state``, ``is_evaluable``, ``open``: conditions not met, each with
        ``column``, ``value``, ``bound``, ``threshold``, ``distance``, ``unit`` (None where it is no such comparison)
        and ``text``; ``text``: all of it in words.
    """
    found = []
    for layer in explanation["layers"]:
        if layer["next"]:
            move = min(layer["next"], key=_nearness)
            found.append(_next_change(layer["layer"], LAYER_NAMES[layer["layer"]], move))
    governor = _governor_move(explanation["governor"])
    return [*found, *([governor] if governor else [])]


def _next_change(name: str, label: str, move: Mapping[str, Any]) -> dict[str, Any]:
    still = [need for need in move["needs"] if need["is_met"] is not True]
    return {
        "layer": name,
        "what": move["what"],
        "to_state": move["to_state"],
        "is_evaluable": all(need["is_met"] is not None for need in still),
        "open": [
            {key: need[key] for key in ("column", "value", "bound", "threshold", "distance", "unit", "text")}
            for need in still
        ],
        "text": f"{label[:1].upper()}{label[1:]}, {move['what']}: "
        + (join_words([_say_need(need) for need in still]) or "all conditions are met, decided at the next close")
        + ".",
    }


def _nearness(move: Mapping[str, Any]) -> tuple[bool, int, float]:
    still = [need for need in move["needs"] if need["is_met"] is not True]
    return any(need["is_met"] is None for need in still), len(still), max(map(_relative, still), default=0.0)


def _relative(need: Mapping[str, Any]) -> float:
    distance, threshold = need["distance"], need["threshold"]
    if distance is None:
        return 1e9  # a condition without a distance is no nearer than one with it
    return float(abs(distance) / (abs(threshold) or 1.0))


def _say_need(need: Mapping[str, Any]) -> str:
    column = need["column"]
    if need["distance"] is None or need["is_met"] is None:
        text = str(need["text"])
        for name, words in _NAMES.items():
            text = text.replace(name, words)
        return _COLUMN_NAME.sub(lambda found: found[0].replace("_", " "), text)
    unit = need["unit"] or ""
    name = _NAMES.get(column, str(column).replace("_", " "))
    away = f"{say_distance(need['distance'], unit)} away" if need["distance"] else "at the threshold"
    return f"{name} {_SIGNS[need['bound']]}{say_threshold(need['threshold'], unit)}, {away}"


def _governor_move(governor: Mapping[str, Any]) -> dict[str, Any] | None:
    guards = [guard for guard in governor["guards"] if guard["is_counted"]]
    if governor["mode"] == "steward":
        held = [guard for guard in guards if guard["truth"] is not False]
        names = join_words([str(guard["rule"]).replace("_", " ") for guard in held])
        text = f"Governor, promoter: {names or 'what holds it back'} to end."
        return {
            "layer": "governor", "what": "promoter", "to_state": "promoter",
            "is_evaluable": all(guard["truth"] is not None for guard in held), "open": [], "text": text,
        }  # fmt: skip
    moves = [
        {
            "what": f"steward by {str(guard['rule']).replace('_', ' ')}",
            "to_state": "steward",
            "needs": [
                {**term, "text": term["text"], "is_met": term["truth"]}
                for term in guard["terms"]
                if term["distance"] is not None or term["truth"] is not True
            ],
        }
        for guard in guards
        if guard["truth"] is False and guard["joined"] != "or" and guard["terms"]
        and all(term["distance"] is not None for term in guard["terms"] if term["truth"] is not True)
    ]  # fmt: skip
    return _next_change("governor", "governor", min(moves, key=_nearness)) if moves else None
