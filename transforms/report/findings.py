"""What the numbers say, as sentences: the headline, the titles of the charts, their words for a listener."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.page.text import join_words, say_count, say_date, say_number
from transforms.report.curve import REGIMES

_SHAPES = {
    "backwardation": "in backwardation",
    "flat": "flat",
    "contango": "in contango",
    "steep": "in steep contango",
}


def find_headline(curve: Mapping[str, Any], regime: Mapping[str, Any], explanation: Mapping[str, Any] | None) -> str:
    """Return the sentence a reader needs if they read only one: layers, governor, then the curve and VIX.

    Parameters
    ----------
    curve, regime
        Parts of ``hedge-state.json``.
    explanation
        Of :func:`transforms.explain.build.build_explanation`; None where no policy is applied.
    """
    shape = find_curve_title(curve, regime)
    vix = "VIX not published" if curve["vix_close_pts"] is None else f"VIX {say_number(curve['vix_close_pts'], 'pts')}"
    # the regime stands in the strip; here only where it is not what the curve says tonight
    doubt = _say_regime(regime) if explanation is None or regime["is_confirmed"] is False else ""
    ending = f"{shape}{doubt}; {vix}."
    if explanation is None:
        return ending
    hedge = str(explanation["sentence"]).removeprefix("Tonight: ").removesuffix(".")
    return f"{hedge[:1].upper()}{hedge[1:]}; {ending[:1].lower()}{ending[1:]}"


def find_curve_title(curve: Mapping[str, Any], regime: Mapping[str, Any]) -> str:
    """Return the finding of the curve chart, for example ``Curve in contango: VX2 4.9% above VX1``."""
    contango = curve["measures"]["contango_frac"]
    if contango is None:
        reasons = {entry["column"]: entry["reason"] for entry in curve["missing"]}
        return f"Slope of the curve not evaluable: {reasons.get('contango_frac', 'VX1 or VX2 is missing')}"
    shape = _SHAPES.get(regime["curve_state"] or "", "of unknown state")
    size = say_number(abs(contango), "frac")
    slope = f"VX2 {size} {'above' if contango > 0 else 'below'} VX1" if contango else "VX2 level with VX1"
    return f"Curve {shape}: {slope}"


def find_history_title(regime: Mapping[str, Any]) -> str:
    """Return the finding of the history chart: how the recent sessions divide among the regimes."""
    recent = regime["recent"]
    counts = sorted(((recent[name], name) for name in REGIMES if recent[name]), reverse=True)
    if not counts:
        return f"No regime evaluable in {say_count(recent['sessions'], 'session')}"
    words = [f"{name} {'on ' if place == 0 else ''}{count}" for place, (count, name) in enumerate(counts)]
    return f"Of {say_count(recent['sessions'], 'session')}: {join_words(words)}"


def describe_curve(series: Sequence[Mapping[str, Any]]) -> str:
    """Return the curve chart in words: each series with its days and points."""
    parts = []
    for one in series:
        points = [f"{days:g} days {value:.2f}" for days, value in one["points"] if value is not None]
        parts.append(f"{one['name']}: {', '.join(points) if points else 'no value published'}.")
    return " ".join(parts)


def describe_history(sessions: Sequence[Mapping[str, Any]]) -> str:
    """Return the history chart in words: span, ranges of VIX, VX1 and contango, counts of regimes."""
    first, last = say_date(sessions[0]["trade_date"]), say_date(sessions[-1]["trade_date"])
    words = [f"{say_count(len(sessions), 'session')} from {first} to {last}."]
    for column, name, style in (
        ("vix_close_pts", "VIX", "pts"),
        ("vx1_settle_pts", "VX1", "pts"),
        ("contango_frac", "Contango", "frac"),
    ):
        values = [session[column] for session in sessions if session[column] is not None]
        if values:
            low, high, latest = (say_number(value, style) for value in (min(values), max(values), values[-1]))
            words.append(f"{name} between {low} and {high}, last published {latest}.")
        else:
            words.append(f"{name}: no value published.")
    counts = [f"{name} {sum(session['curve_regime'] == name for session in sessions)}" for name in REGIMES]
    return " ".join([*words, f"Sessions by regime: {', '.join(counts)}."])


def _say_regime(regime: Mapping[str, Any]) -> str:
    name, days = regime["curve_regime"], regime["days_in_regime"]
    if name is None:
        return ""
    length = f", {say_count(days, 'session')} so far" if days is not None else ""
    if regime["is_confirmed"] is False:
        return f"; the confirmed regime is still {name}{length}"
    return f"; regime {name}{length}"
