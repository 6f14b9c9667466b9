"""Positions, orders, trades and Time-Shifts of a session as plain JSON types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from transforms.page.text import to_number, to_plain
from transforms.policy.model import LAYERS
from transforms.positions.instruments import VixOption, parse_instrument
from transforms.statement.facts import PORTFOLIO, StatementFacts

SHOWN_TIME_SHIFTS = 5
COMPUTED, MODEL_PRICED = "computed", "model-priced"


def build_position_statement(facts: StatementFacts) -> dict[str, Any]:
    """Return what every layer wants, holds and has on order, what was traded, and the account it stands on.

    Returns
    -------
    dict
        ``next_session``, ``account``, ``positions`` (one a layer and instrument), ``totals`` (one a layer, and
        ``portfolio``), ``trades`` of the session, ``time_shifts`` (of the session and the last ones before it).
        Dollars of an option, its mark and its vega carry a band: the same at volatilities lower and higher by the
        band of their source.
    """
    positions = [_build_position(facts, row) for row in _in_order(facts.positions)]
    totals = [_build_total(facts, layer, [one for one in positions if one["layer"] == layer]) for layer in LAYERS]
    shifts = [{name: to_plain(value) for name, value in row.items()} for row in facts.time_shifts]
    return {
        "next_session": to_plain(facts.next_session),
        "account": _build_account(facts),
        "positions": positions,
        "totals": [*totals, _build_total(facts, PORTFOLIO, positions)],
        "trades": [_build_trade(row) for row in _in_order(facts.trades)],
        "time_shifts": {
            "session": [one for one in shifts if one["trade_date"] == facts.as_of.isoformat()],
            "last": shifts[-SHOWN_TIME_SHIFTS:],
            "count": len(shifts),
            "rolled_usd": round(sum(one["rolled_usd"] for one in shifts), 2),
        },
    }


def _in_order(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: (LAYERS.index(row["layer"]), row["instrument"]))


def _build_position(facts: StatementFacts, row: Mapping[str, Any]) -> dict[str, Any]:
    instrument = parse_instrument(row["instrument"])
    option = instrument if isinstance(instrument, VixOption) else None
    held = int(row["held_contracts"])
    mark, low, high = (to_number(row[name]) for name in ("mark_pts", "mark_low_pts", "mark_high_pts"))
    vega_low, vega_high = _vega_band(facts.as_of, option, held, row) if option else (None, None)
    size = held * instrument.multiplier_usd
    notional = to_number(row["delta_usd"])

    def worth(points: float | None) -> float | None:
        return round(size * points, 2) if option and points is not None else None

    return {
        "trade_date": facts.as_of.isoformat(),
        "layer": row["layer"],
        "instrument": row["instrument"],
        "target_contracts": to_number(row["target_contracts"]),
        "wanted_contracts": to_number(row["wanted_contracts"]),
        "held_contracts": held,
        "order_contracts": int(row["order_contracts"]),
        "mark_pts": mark,
        "mark_low_pts": low,
        "mark_high_pts": high,
        "value_usd": worth(mark),
        "value_low_usd": worth(low),
        "value_high_usd": worth(high),
        "vega_usd": to_number(row["vega_usd"]),
        "vega_low_usd": vega_low,
        "vega_high_usd": vega_high,
        "delta_usd": notional,
        "delta_frac": None if notional is None else notional / facts.nav_usd,
        "is_model_priced": to_plain(row["is_model_priced"]),
        # an option's vega and notional need its delta, which a model gives even where the price is a market's
        "kind": MODEL_PRICED if option else COMPUTED,
        "reason": to_plain(row["reason"]),
    }


def _vega_band(as_of: date, option: VixOption, held: int, row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Dollars a point of the future at the volatilities of the two ends of the mark's band; None where unknown."""
    if not held:
        return 0.0, 0.0
    # SciPy, which takes long to load, and which a session without options needs not
    from transforms.options.black76 import compute_black76_delta, compute_implied_volatility
    from transforms.options.implied import compute_discount, compute_years_to_settlement

    years = compute_years_to_settlement(np.array([(option.expiry - as_of).days]))
    future, bill = (to_number(row.get(name)) for name in ("future_pts", "bill_discount_rate_frac"))
    ends = [to_number(row[name]) for name in ("mark_low_pts", "mark_high_pts")]
    marks = [mark for mark in ends if mark is not None]
    if future is None or bill is None or len(marks) < len(ends) or years[0] <= 0:
        return None, None
    discount = compute_discount(np.array([bill]), years)
    volatility = compute_implied_volatility(marks, future, option.strike_pts, years, discount, option.is_call)
    delta = compute_black76_delta(future, option.strike_pts, years, volatility, discount, option.is_call)
    low, high = (to_number(value) for value in held * option.multiplier_usd * delta)
    return low, high


def _build_total(facts: StatementFacts, layer: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return sums over the instruments of a layer; None where one of them is not known."""
    state = facts.states.get(layer, {})
    tonight = facts.ledger[(facts.ledger["layer"] == layer)].iloc[-1]
    options = [row for row in rows if row["value_usd"] is not None or row["kind"] == MODEL_PRICED]
    notionals = [None if row["delta_usd"] is None else abs(row["delta_usd"]) for row in rows]
    gross = _add(notionals)
    futures_vega = _add([row["vega_usd"] for row in rows if row["kind"] == COMPUTED])

    def at(end: str) -> float | None:
        return _add([futures_vega, *(row[f"vega_{end}_usd"] for row in options)])

    return {
        "layer": layer,
        "state": state.get("state"),
        "why": str(state["reason"]).partition(": ")[2] or str(state["reason"]) if state else None,
        "step_count": None if not state else int(state["step_count"]),
        "held_count": sum(row["held_contracts"] != 0 for row in rows),
        "order_count": sum(row["order_contracts"] != 0 for row in rows),
        "vega_usd": _add([row["vega_usd"] for row in rows]),
        "vega_low_usd": at("low"),
        "vega_high_usd": at("high"),
        "delta_usd": _add([row["delta_usd"] for row in rows]),
        "notional_usd": gross,
        "notional_frac": None if gross is None else gross / facts.nav_usd,
        "option_value_usd": _add([row["value_usd"] for row in options]),
        "option_value_low_usd": _add([row["value_low_usd"] for row in options]),
        "option_value_high_usd": _add([row["value_high_usd"] for row in options]),
        "margin_usd": to_number(tonight["margin_usd"]),
        "margin_frac": to_number(tonight["margin_usd"] / facts.nav_usd),
    }


def _add(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return None if len(known) < len(values) else float(sum(known))


def _build_account(facts: StatementFacts) -> dict[str, Any]:
    whole = facts.ledger[facts.ledger["layer"] == PORTFOLIO].iloc[-1]
    condor = facts.condor or {}
    names = (
        "condor_status", "condor_note", "opened_date", "expiry_date", "contracts", "largest_loss_usd",
        "vega_usd_per_vix_pt",
    )  # fmt: skip
    return {
        "is_model": True,
        "nav_usd": facts.nav_usd,
        "margin_usd": to_number(whole["margin_usd"]),
        "margin_frac": to_number(whole["margin_usd"] / facts.nav_usd),
        "pnl_cum_usd": to_number(whole["pnl_cum_usd"]),
        "pnl_cum_frac": to_number(whole["pnl_cum_usd"] / facts.nav_usd),
        "protected": {name: to_plain(condor.get(name)) for name in names} if condor else None,
    }


def _build_trade(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "trade_date", "layer", "instrument", "trade_kind", "traded_contracts", "trade_price_pts", "trade_cost_usd",
        "rolled_contracts", "rolled_with", "roll_yield_frac", "is_model_priced", "reason",
    )  # fmt: skip
    return {name: to_plain(row[name]) for name in names}
