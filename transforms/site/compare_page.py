"""The compare view: two sessions side by side, from the data of every session in the page itself."""

from __future__ import annotations

from typing import Any

from transforms.site import codes
from transforms.site.embedding import embed_json
from transforms.site.inputs import LAYERS, MONTHS, SiteHistory
from transforms.site.packing import pack_column, pack_days
from transforms.site.shell import render_page

_TERM = "reference/mart.daily_term_structure.html#"
_STATE = "reference/mart.daily_hedge_state.html#"
_LEDGER = "reference/mart.daily_hedge_ledger.html#"
_GOVERNOR = "reference/mart.daily_governor.html#"
_POSITIONS = "reference/mart.daily_positions.html"
_LAYER_NAMES = {"base": "Base", "temporal_vega": "Temporal vega", "second_engine": "Second engine"}

Row = dict[str, str]


def render_compare(history: SiteHistory) -> str:
    """Return ``reports/compare.html``."""
    context = {
        "first": history.days[0].isoformat() if history.days else "",
        "last": history.days[-1].isoformat() if history.days else "",
        "sessions": len(history.days),
        "pairs": build_pairs(history),
        "data": embed_json(build_compare_data(history)),
    }
    return render_page(
        "compare.html.j2",
        context,
        title="Two sessions side by side",
        place="compare",
        is_simulated=history.is_simulated,
        scripts=("sessions.js", "compare.js"),
    )


def build_compare_data(history: SiteHistory) -> dict[str, Any]:
    """Return what the page embeds: every session's key columns, as one list a column.

    Returns
    -------
    dict
        ``days`` and ``columns``, packed (:mod:`transforms.site.packing`): numbers and nulls, or, for states, a text of
        one character a session; ``codes``: the words of those, by column; ``groups``: titles and rows of the table,
        each row with ``label``, ``key`` (a column), ``style`` and ``href`` (its entry in the reference);
        ``holdings``: ``instruments`` and ``layers``, and ``rows``, flat: sessions since the row before, layer,
        instrument, contracts held, contracts on order; layer and instrument are places in the lists.
    """
    columns = history.columns
    texts = {
        "curve_regime": (codes.encode_regimes(columns["curve_regime"]), codes.REGIMES),
        "governor_mode": (codes.encode_governor(columns["governor_mode"]), codes.GOVERNOR),
    }
    made: dict[str, Any] = {name: text for name, (text, _) in texts.items()}
    words = {name: {code: entry.words for code, entry in table.items()} for name, (_, table) in texts.items()}
    for layer in LAYERS:
        made[f"{layer}.state"] = codes.encode_states(columns[f"{layer}.state"])
        words[f"{layer}.state"] = codes.STATES
    groups = build_groups()
    for group in groups:
        for row in group["rows"]:
            if row["key"] not in made:
                made[row["key"]] = pack_column(columns[row["key"]])
    return {
        "days": pack_days(history.days),
        "columns": made,
        "codes": words,
        "groups": groups,
        "curve": ["vix_close_pts", *(f"vx{month}_settle_pts" for month in MONTHS)],
        "holdings": {
            "instruments": _list_instruments(history),
            "layers": [_LAYER_NAMES[layer] for layer in LAYERS],
            "href": _POSITIONS,
            "rows": _pack_holdings(history),
        },
    }


def build_groups() -> list[dict[str, Any]]:
    """Return the parts of the table: what is compared, how it is written, and where it is explained."""
    curve = [_row("VIX", "vix_close_pts", "pts", _TERM)]
    curve += [_row(f"VX{month}", f"vx{month}_settle_pts", "pts", _TERM) for month in MONTHS]
    curve += [
        _row("Contango, VX2 over VX1", "contango_frac", "frac", _TERM),
        _row("Curve regime", "curve_regime", "text", _TERM),
        _row("Sessions in the regime", "days_in_regime", "count", _TERM),
    ]
    hedge = [_row("Governor", "governor_mode", "text", _GOVERNOR)]
    for layer, name in _LAYER_NAMES.items():
        hedge.append(_row(f"{name}: state", f"{layer}.state", "text", _STATE, "state"))
        if layer == "temporal_vega":
            hedge.append(_row(f"{name}: steps", f"{layer}.step_count", "count", _STATE, "step_count"))
        if layer != "second_engine":
            hedge.append(
                _row(f"{name}: target, $ a point", f"{layer}.target_vega_usd", "usd", _STATE, "target_vega_usd")
            )
    money = [
        _row("Self-funding ratio, 12 months", "self_funding_ratio_12m", "ratio", _LEDGER),
        _row("P&L, 12 months", "pnl_12m_usd", "usd", _LEDGER, "pnl_usd"),
        _row("P&L since the first session", "pnl_cum_usd", "usd", _LEDGER),
    ]
    return [
        {"title": "Market", "rows": curve},
        {"title": "Hedge", "rows": hedge},
        {"title": "Ledger of the model account", "rows": money},
    ]


def build_pairs(history: SiteHistory) -> list[dict[str, str]]:
    """Return pairs worth a look: the newest session against the extremes of history and a year before."""
    if not history.days:
        return []
    newest, columns = history.days[-1], history.columns
    pairs = []
    for words, name, pick in (
        ("highest VIX", "vix_close_pts", max),
        ("lowest VIX", "vix_close_pts", min),
        ("deepest backwardation", "contango_frac", min),
        ("steepest contango", "contango_frac", max),
    ):
        known = [(value, day) for day, value in zip(history.days, columns[name], strict=True) if value is not None]
        if known:
            pairs.append({"words": f"{words}, {pick(known)[1]}", "a": pick(known)[1].isoformat()})
    earlier = [
        day for day in history.days if (day.year, day.month, day.day) <= (newest.year - 1, newest.month, newest.day)
    ]
    if earlier:
        pairs.append({"words": f"a year earlier, {earlier[-1]}", "a": earlier[-1].isoformat()})
    return [{**pair, "b": newest.isoformat()} for pair in pairs]


def _list_instruments(history: SiteHistory) -> list[str]:
    return sorted({holding.instrument for holding in history.holdings})


def _pack_holdings(history: SiteHistory) -> list[int]:
    places = {day: place for place, day in enumerate(history.days)}
    numbers = {name: number for number, name in enumerate(_list_instruments(history))}
    rows: list[int] = []
    before = 0
    for holding in history.holdings:
        place = places[holding.day]
        rows += (place - before, LAYERS.index(holding.layer), numbers[holding.instrument])
        rows += (holding.held_contracts, holding.order_contracts)
        before = place
    return rows


def _row(label: str, key: str, style: str, page: str, anchor: str = "") -> Row:
    return {"label": label, "key": key, "style": style, "href": page + (anchor or key)}
