"""The top of the page: one sentence, the strip of states, what changed, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.page.text import say_count, say_level, say_number
from transforms.report.changes import build_move_table, say_since_yesterday
from transforms.report.links import href_of
from transforms.statement.words import LAYER_TITLES, say_share

SECTIONS = (
    ("layers", "Layers"),
    ("positions", "Positions"),
    ("book", "Your book"),
    ("ledger", "Ledger"),
    ("valuation", "Valuation"),
    ("curve", "Curve"),
    ("regime", "Regime"),
    ("calendar", "Calendar"),
    ("context", "Context"),
    ("indices", "Indices"),
    ("health", "Data health"),
    ("definitions", "Definitions"),
    ("provenance", "Provenance"),
)
"""Anchor and name of every section, in the order of the page."""
_TONES = {"active": "ok", "armed": "warn", "blocked": "bad", "steward": "warn", "promoter": "ok"}


def build_top(state: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """Return ``strip``, ``since`` (sentence and table) and ``next`` (sentences).

    Parameters
    ----------
    state
        The document of ``hedge-state.json``.
    sentence
        The line about funding; empty where there is no ledger.
    """
    since = state["since_yesterday"]
    return {
        "strip": [
            *_layer_boxes(state),
            _regime_box(state["regime"]),
            *([_funding_box(state["funding"], sentence)] if state["funding"] else []),
            _health_box(state["data_health"]),
        ],
        "since": {"sentence": say_since_yesterday(since), "table": build_move_table(state["curve"], since)},
        "next": [one["text"] for one in state["next_changes"]],
    }


def _layer_boxes(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    boxes = []
    for layer in state["layers"]:
        steps = ""
        if layer["max_steps"] is not None:
            steps = f"{layer['step_count']} of {say_count(layer['max_steps'], 'step')}"
        elif layer["held_rank"]:
            steps = f"in VX{layer['held_rank']}"
        boxes.append(
            _box(
                LAYER_TITLES[layer["layer"]],
                layer["state"],
                [steps, _since(layer)],
                href_of("state"),
                tone=_TONES.get(layer["state"], ""),
            )
        )
    governor = state["governor"]
    if governor:
        held = governor["guards_held"]
        words = "no guard holds" if not held else str(held).replace("_", " ")
        boxes.append(
            _box(
                "Governor",
                governor["mode"],
                [words, _since(governor)],
                href_of("governor_mode"),
                tone=_TONES.get(governor["mode"], ""),
            )
        )
    return boxes


def _since(one: Mapping[str, Any]) -> str:
    return "" if one["since"] is None else say_count(one["sessions_in_state"], "session")


def _regime_box(regime: Mapping[str, Any]) -> dict[str, Any]:
    days = regime["days_in_regime"]
    return _box(
        "Regime",
        regime["curve_regime"] or "not evaluable",
        [
            f"VIX level {say_level(regime['vol_level'])}" if regime["vol_level"] else "VIX level not evaluable",
            *([say_count(days, "session")] if days is not None else []),
            *([f"state this session: {regime['curve_state']}"] if regime["is_confirmed"] is False else []),
        ],
        href_of("curve_regime"),
        dot=regime["curve_regime"] or "",
    )


def _funding_box(funding: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """The ratio of 12 months, or of all history; where nothing had to be funded, what the year cost."""
    windows = {one["window"]: one for one in funding["windows"]}
    window = windows["12m"] if windows["12m"]["layers"] else windows["all"]
    ratio = next(row["self_funding_ratio"] for row in window["layers"] if row["layer"] == "portfolio")
    cost = next(one for one in funding["cost"] if one["layer"] == "portfolio")
    yearly = cost["cost_12m_frac"]
    span = "12 months" if window["window"] == "12m" else "whole history"
    said = (
        "yearly cost not evaluable"
        if yearly is None
        else f"{'earned' if yearly < 0 else 'cost'} {say_share(abs(yearly))} of NAV, {cost['sessions']} sessions"
    )
    if ratio is not None:
        details = [f"credits kept / cost, {span}", said]
        return _box("Funding", say_number(ratio, "pts"), details, href_of("self_funding_ratio_12m"))
    value = "undefined" if yearly is None else f"{'earned' if yearly < 0 else 'cost'} {say_share(abs(yearly))}"
    details = [f"ratio undefined, {span}: nothing had to be funded" if sentence else "", "of NAV in a year"]
    return _box("Funding", value, details, href_of("cost_12m_frac"))


def _health_box(health: Mapping[str, Any]) -> dict[str, Any]:
    checks = health["checks"]
    reasons = len(health["reasons"])
    checked = f"{checks['passed']} of {checks['total']} checks passed" if checks["total"] else "no check was run"
    words = say_count(reasons, "reason") if reasons else checked
    return _box("Data health", health["status"], [words], "#health", tone="ok" if health["status"] == "ok" else "bad")


def _box(label: str, value: str, details: list[str], href: str, *, tone: str = "", dot: str = "") -> dict[str, Any]:
    return {
        "label": label, "value": value, "details": [one for one in details if one], "href": href, "tone": tone,
        "dot": dot,
    }  # fmt: skip


def find_sections(present: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the jump list: the sections that this page has.

    Parameters
    ----------
    present
        By anchor, anything true where the section is on the page; an anchor that is not named is always there.
    """
    return [{"anchor": anchor, "name": name} for anchor, name in SECTIONS if present.get(anchor, True)]
