"""The measures that the page shows: label, style, what they need, and where their formula lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from transforms.page.links import reference_href
from transforms.page.text import clean_text, is_missing
from transforms.report.links import anchor, home_of

TERM_STRUCTURE_MODEL = "sql/mart/daily_term_structure.sql"
SETTLEMENTS_MODEL = "sql/core/daily_vx_settlements.sql"
INDEX_LEVELS_MODEL = "sql/core/daily_index_levels.sql"
VOLATILITY_INDICES_MODEL = "sql/mart/daily_volatility_indices.sql"

KINDS = {
    "source claims": "stated by a public description, not verified here",
    "computed": "calculated from exchange data, no model in between",
    "model-priced": "needs an option model; shown with its band",
    "ours": "calculated with an assumption of ours, because no source gives one; its meaning names it",
    "proxy": "a declared stand-in for something that is not freely published",
    "not testable": "the free data cannot decide it",
}
"""Labels for kinds of result, and what each promises."""


@dataclass(frozen=True)
class Measure:
    """One measure: how it is named, written and explained.

    ``needs`` are the columns without which it cannot be evaluated. ``meaning``, ``unit`` and
    ``formula`` stand in where the registry of columns says nothing.
    """

    column: str
    label: str
    style: str
    unit: str
    meaning: str
    formula: str = ""
    model: str = TERM_STRUCTURE_MODEL
    needs: tuple[str, ...] = ()
    is_signed: bool = False
    kind: str = "computed"


CURVE_MEASURES = (
    Measure(
        "contango_frac", "Contango, VX2 over VX1", "frac", "fraction, shown in %",
        "How far the second monthly contract stands above the first.",
        "VX2 / VX1 − 1", needs=("vx1_settle_pts", "vx2_settle_pts"), is_signed=True,
    ),
    Measure(
        "contango_4_7_frac", "Contango, VX7 over VX4", "frac", "fraction, shown in %",
        "Slope of the middle of the curve.",
        "VX7 / VX4 − 1", needs=("vx4_settle_pts", "vx7_settle_pts"), is_signed=True,
    ),
    Measure(
        "basis_frac", "Basis, VX1 over VIX", "frac", "fraction, shown in %",
        "How far the first contract stands above the spot index.",
        "VX1 / VIX − 1", needs=("vx1_settle_pts", "vix_close_pts"), is_signed=True,
    ),
    Measure(
        "roll_down_front_frac", "Static roll-down, front", "frac", "fraction over 30 days, shown in %",
        "What a long holder at 30 days would earn over 30 days if the curve stayed as it is.",
        "VIX / CM30 − 1", needs=("vix_close_pts", "cm30_pts"), is_signed=True,
    ),
    Measure(
        "roll_down_second_frac", "Static roll-down, second", "frac", "fraction over 30 days, shown in %",
        "What a long holder at 60 days would earn over 30 days if the curve stayed as it is.",
        "CM30 / CM60 − 1", needs=("cm30_pts", "cm60_pts"), is_signed=True,
    ),
    Measure(
        "daily_roll_pts", "Daily roll", "pts", "VIX points a trading day",
        "Gap to spot per trading day left, on the nearest monthly with at least 10 trading days left.",
        "(VX − VIX) / trading days to settlement", needs=("vix_close_pts", "vx1_settle_pts"), is_signed=True,
    ),
    Measure(
        "vix_vix3m_ratio", "VIX / VIX3M", "ratio", "ratio",
        "Thirty-day over three-month implied volatility, both of the same session.",
        "VIX / VIX3M", needs=("vix_close_pts",),
    ),
    Measure(
        "cm30_pts", "Constant maturity 30 days", "pts", "VIX points",
        "Futures curve at 30 calendar days; never extrapolated.",
        "w × nearer + (1 − w) × later, w = (T2 − 30) / (T2 − T1), T in calendar days",
    ),
    Measure(
        "cm60_pts", "Constant maturity 60 days", "pts", "VIX points",
        "Futures curve at 60 calendar days; never extrapolated.",
        "w × nearer + (1 − w) × later, w = (T2 − 60) / (T2 − T1), T in calendar days",
    ),
    Measure(
        "cm90_pts", "Constant maturity 90 days", "pts", "VIX points",
        "Futures curve at 90 calendar days; never extrapolated.",
        "w × nearer + (1 − w) × later, w = (T2 − 90) / (T2 − T1), T in calendar days",
    ),
    Measure(
        "cm_slope_log", "Log slope, CM60 over CM30", "log", "natural logarithm",
        "Slope of the curve without the jumps of a roll.",
        "ln(CM60 / CM30)", needs=("cm30_pts", "cm60_pts"), is_signed=True,
    ),
    Measure(
        "contango_pctile", "Contango, percentile", "pctile", "0 to 1, shown as rank of 100",
        "Rank of contango among all sessions up to this one, since the first; no later data.",
        needs=("contango_frac",),
    ),
    Measure(
        "vix_pctile", "VIX, percentile", "pctile", "0 to 1, shown as rank of 100",
        "Rank of the VIX close among all sessions up to this one, since the first; no later data.",
        needs=("vix_close_pts",),
    ),
)  # fmt: skip

MEASURE_COLUMNS = tuple(measure.column for measure in CURVE_MEASURES)

OTHER_MEASURES = (
    Measure(
        "vix_close_pts", "VIX", "pts", "VIX points", "Close of the Cboe Volatility Index.",
        needs=(), model=INDEX_LEVELS_MODEL,
    ),
    Measure(
        "settle_pts", "VX1 to VX9, settlement", "pts", "VIX points",
        "Daily settlement of the monthly VX futures, by rank of expiry. On its final settlement date a "
        "contract has settled at the open, so the curve of that session starts with the next one.",
        model=SETTLEMENTS_MODEL,
    ),
    Measure(
        "change_1d_pts", "Change, same contract", "pts", "VIX points",
        "Settlement less the settlement of the same contract on the session before, whatever its rank was.",
        "settlement(contract, t) − settlement(contract, t − 1)", model=SETTLEMENTS_MODEL, is_signed=True,
    ),
    Measure(
        "calendar_days_to_expiry", "Days to expiry", "days", "calendar days",
        "From the session to the final settlement date.", "expiry date − trade date", model=SETTLEMENTS_MODEL,
    ),
    Measure(
        "vol_level", "Volatility level", "text", "class",
        "Bucket of the VIX close: <15, 15-20, 20-25, 25-30, >=30.",
        needs=("vix_close_pts",),
    ),
    Measure(
        "curve_state", "Curve state", "text", "class",
        "Raw class of contango: backwardation below 0, then flat, contango, steep; edges in the parameters.",
        needs=("contango_frac",),
    ),
    Measure(
        "curve_regime", "Curve regime", "text", "class",
        "Curve state with hysteresis: a new state must hold for several closes beyond a band.",
        needs=("contango_frac",),
    ),
    Measure(
        "days_in_regime", "Sessions in regime", "count", "sessions",
        "Sessions since the regime began, this one included.", needs=("curve_regime",),
    ),
    Measure(
        "close_pts", "Index close", "pts", "index points",
        "Close of a published index; a close of another session is never carried.", model=INDEX_LEVELS_MODEL,
    ),
    Measure(
        "short_term_tr", "Short-term VIX futures, total return", "level", "index level",
        "Rebuilt S&P 500 VIX Short-Term Futures Index: VX1 and VX2 rolled daily to 30 days, bills included.",
        "TR(t) = TR(t−1) × (1 + CDR + TBR)", model=VOLATILITY_INDICES_MODEL,
    ),
    Measure(
        "short_term_er", "Short-term VIX futures, excess return", "level", "index level",
        "The same without the interest on bills: what the futures alone earned.",
        "ER(t) = ER(t−1) × (1 + CDR)", model=VOLATILITY_INDICES_MODEL,
    ),
    Measure(
        "mid_term_tr", "Mid-term VIX futures, total return", "level", "index level",
        "Rebuilt S&P 500 VIX Mid-Term Futures Index: VX4 to VX7 rolled daily to five months, bills included.",
        "TR(t) = TR(t−1) × (1 + CDR + TBR)", model=VOLATILITY_INDICES_MODEL,
    ),
)  # fmt: skip

ALL_MEASURES = {measure.column: measure for measure in (*OTHER_MEASURES, *CURVE_MEASURES)}
UNIT_WORDS = {
    "pts": "points",
    "frac": "fraction, shown in %",
    "log": "natural logarithm",
    "pctile": "0 to 1, shown as rank of 100",
    "text": "class",
    "days": "days",
}
"""Units of the registry as a reader says them; any other is printed as it is."""
FUTURES_INDICES = ("short_term_tr", "short_term_er", "mid_term_tr")


def short_name(column: str) -> str:
    """Return how a column is called inside a sentence: ``VX2``, ``VIX``, ``contango``."""
    if column.startswith("vx") and column.endswith("_settle_pts"):
        return column.removesuffix("_settle_pts").upper()
    names = {"vix_close_pts": "VIX", "contango_frac": "contango", "curve_regime": "the regime"}
    if column.startswith("cm") and column.endswith("_pts"):
        return column.removesuffix("_pts").upper()
    return names.get(column, ALL_MEASURES[column].label if column in ALL_MEASURES else column)


def build_glossary(columns: Mapping[str, Mapping[str, Any]], more: Iterable[Measure] = ()) -> list[dict[str, Any]]:
    """Return one entry a measure: what it means, its unit, formula, kind of result and model file.

    Parameters
    ----------
    columns
        The registry of columns; what it says wins over the words of this module.
    more
        Measures beside those of the curve.
    """
    entries = []
    for measure in (*ALL_MEASURES.values(), *more):
        info = columns.get(measure.column, {})
        entries.append(
            {
                "anchor": anchor(measure.column),
                "table": home[0] if (home := home_of(measure.column)) else "",
                "href": reference_href(*home) if home else "",
                "column": measure.column,
                "label": measure.label,
                "meaning": _said(info, "meaning") or measure.meaning,
                "formula": _said(info, "formula") or measure.formula,
                "unit": _say_unit(info) or measure.unit,
                "source": _said(info, "source"),
                "model": measure.model,
                "kind": measure.kind,
            }
        )
    return entries


def _say_unit(info: Mapping[str, Any]) -> str:
    unit = _said(info, "unit")
    return UNIT_WORDS.get(unit, unit)


def _said(info: Mapping[str, Any], key: str) -> str:
    value = info.get(key)
    return "" if is_missing(value) else clean_text(value, 1000)
