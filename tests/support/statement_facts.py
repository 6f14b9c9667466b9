"""Facts of a statement made by hand: 300 sessions of a made-up ledger, an evening that holds futures and options."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from transforms.ledger.account import PIECES
from transforms.ledger.funding import WINDOWS, compute_funding_ratio, find_window_starts
from transforms.registry import parameters
from transforms.statement.facts import StatementFacts

AS_OF = date(2026, 2, 20)
NAV_USD = 10_000_000.0
LAYERS = ("base", "temporal_vega", "second_engine")
FUTURES, OPTIONS = ("roll", "curve"), ("theta", "option_move")
DEFAULTS = {name: float(one.value) for name, one in parameters().items()}


def make_days(count: int = 300) -> list[date]:
    """Return so many weekdays up to the session."""
    days: list[date] = []
    day = AS_OF
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day -= timedelta(days=1)
    return days[::-1]


def make_ledger(days: list[date], vix: np.ndarray[Any, Any], seed: int = 7) -> pd.DataFrame:
    """Return a ledger of whole cents in which both identities hold: of the pieces, and of credits and protection."""
    draw = np.random.default_rng(seed)
    count = len(days)
    starts = find_window_starts(days, vix, DEFAULTS["episode_vix_pts"])
    layers: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    for layer in LAYERS:
        mine = OPTIONS if layer == "second_engine" else FUTURES
        cents = {name: np.zeros(count, np.int64) for name in PIECES}
        cents |= {name: draw.integers(-90_000, 80_000, count) for name in mine}
        cents["cost"] = -draw.integers(0, 4_000, count)
        cents["interest"] = draw.integers(0, 500, count)
        cents["cost_at_mid"], cents["cost_at_full"] = cents["cost"] // 2, cents["cost"] * 2
        cents["unsplit"] = np.zeros(count, np.int64)
        cents["credit_kept"] = np.zeros(count, np.int64) if layer == "base" else draw.integers(-20_000, 40_000, count)
        cents["credit_received"] = np.abs(cents["credit_kept"]) + 1_000
        cents["gains_rolled"] = np.zeros(count, np.int64)
        cents["short_open"] = np.zeros(count, np.int64) if layer == "base" else draw.integers(-9_000, 9_000, count)
        cents["margin"] = draw.integers(1_000_000, 2_000_000, count)
        pnl = sum((cents[name] for name in PIECES), np.zeros(count, np.int64))
        change = np.diff(cents["short_open"], prepend=0)
        cents["protection_cost"] = cents["credit_kept"] + change - (pnl - cents["interest"])
        layers[layer] = cents | {"pnl": pnl}
    layers["portfolio"] = {name: sum(layers[layer][name] for layer in LAYERS) for name in layers["base"]}
    return pd.concat([_tabulate(days, layer, cents, starts) for layer, cents in layers.items()], ignore_index=True)


def _tabulate(days: list[date], layer: str, cents: dict[str, Any], starts: dict[str, Any]) -> pd.DataFrame:
    table: dict[str, Any] = {"trade_date": pd.to_datetime(days), "layer": layer}
    table |= {f"{name}_usd": amount / 100 for name, amount in cents.items()}
    table |= {
        f"{name}_cum_usd": np.cumsum(cents[name]) / 100
        for name in ("pnl", "credit_received", "credit_kept", "protection_cost")
    }
    for window in WINDOWS:
        ratio = compute_funding_ratio(cents["credit_kept"], cents["protection_cost"], starts[window])
        table[f"self_funding_ratio_{window}"] = ratio
    return pd.DataFrame(table | {"unmarked_count": 0, "is_interest_known": True})


def make_position(layer: str, instrument: str, held: int, **changes: Any) -> dict[str, Any]:
    """Return one position; an option is given a mark of 2.00 in a band of 1.60 to 2.40."""
    is_option = instrument.startswith("VIX ")
    size = 1000 if instrument.startswith("VX ") else 100
    delta = 0.4 if is_option else 1.0
    return {
        "trade_date": AS_OF,
        "layer": layer,
        "instrument": instrument,
        "target_contracts": float(held),
        "wanted_contracts": held + 0.3,
        "held_contracts": held,
        "order_contracts": 0,
        "mark_pts": 2.0 if is_option else 25.0,
        "mark_low_pts": 1.6 if is_option else None,
        "mark_high_pts": 2.4 if is_option else None,
        "vega_usd": held * size * delta,
        "delta_usd": held * size * delta * 25.0,
        "is_model_priced": is_option,
        "reason": "held",
        "future_pts": 25.0,
        "bill_discount_rate_frac": 0.04,
    } | changes


def make_trade(**changes: Any) -> dict[str, Any]:
    """Return one trade: a side of a roll."""
    return {
        "trade_date": AS_OF,
        "layer": "base",
        "instrument": "VX 2026-03-18",
        "trade_kind": "rolled_in",
        "traded_contracts": 4,
        "trade_price_pts": 25.0,
        "trade_cost_usd": 250.0,
        "rolled_contracts": 4,
        "rolled_with": "VX 2026-02-18",
        "roll_yield_frac": 0.02,
        "is_model_priced": False,
        "reason": "rolled, forced",
    } | changes


def make_shift(**changes: Any) -> dict[str, Any]:
    """Return one Time-Shift."""
    return {
        "trade_date": AS_OF - timedelta(days=30),
        "from_layer": "temporal_vega",
        "to_layer": "second_engine",
        "instrument": "VX 2026-02-18",
        "gain_usd": 1000.0,
        "rolled_usd": 500.0,
        "estimated_frac": 0.0001,
        "roll_yield_frac": float("nan"),
    } | changes


def make_statement_facts(count: int = 300, **changes: Any) -> StatementFacts:
    """Return the facts of one evening; ``changes`` replace fields."""
    days = make_days(count)
    vix = np.where(np.arange(count) >= count - 3, 26.0, 18.0)
    ledger = make_ledger(days, vix)
    stamps = pd.DatetimeIndex(pd.to_datetime(days))
    engine = ledger[ledger["layer"] == "second_engine"]
    made = (engine["theta_usd"] + engine["option_move_usd"]).to_numpy()
    temporal = ledger[ledger["layer"] == "temporal_vega"].drop(columns="layer")
    money = [name for name in temporal if name.endswith("_usd")]
    facts = StatementFacts(
        as_of=AS_OF,
        is_simulated=False,
        nav_usd=NAV_USD,
        next_session=AS_OF + timedelta(days=3),
        parameters=DEFAULTS,
        states={layer: {"layer": layer, "state": "active", "reason": "active: as made up", "step_count": 1}
                for layer in LAYERS},
        condor={
            "condor_status": "ok", "condor_note": None, "opened_date": date(2026, 2, 20),
            "expiry_date": date(2026, 3, 20), "contracts": 40.0, "largest_loss_usd": 990_000.0,
            "vega_usd_per_vix_pt": -9_000.0,
        },
        positions=(
            make_position("base", "VX 2026-03-18", 4, order_contracts=1, target_contracts=5.0),
            make_position("temporal_vega", "VX 2026-03-18", 3),
            make_position("temporal_vega", "VX 2026-04-15", -4),
            make_position("second_engine", "VIX 2026-03-18 C 30", -10),
            make_position("second_engine", "VIX 2026-05-19 C 32.5", 10),
        ),
        trades=(make_trade(),),
        time_shifts=(make_shift(),),
        sessions=pd.DataFrame({"trade_date": stamps, "vix_close_pts": vix}),
        ledger=ledger,
        options=pd.DataFrame({"trade_date": stamps, "layer": "second_engine", "option_pnl_usd": made,
                              "at_low_vol_usd": made - 10.0, "at_high_vol_usd": made + 25.0}),
        notionals=pd.DataFrame({"trade_date": np.tile(stamps, 2),
                                "layer": np.repeat(["base", "temporal_vega"], count),
                                "notional_usd": np.repeat([100_000.0, 150_000.0], count)}),
        readings=pd.concat([temporal.assign(reading="equal_vega"),
                            temporal.assign(reading="short_front", **{name: -temporal[name] for name in money})]),
    )  # fmt: skip
    return replace(facts, **changes)
