"""The ledger of a session, of windows up to it and of a calendar month as plain JSON types, counted in whole cents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transforms.ledger.account import PIECES
from transforms.ledger.funding import WINDOWS, find_window_starts
from transforms.page.text import say_date, to_number
from transforms.policy.model import LAYERS
from transforms.statement.costs import Series, build_costs, build_credits, build_wacc
from transforms.statement.facts import PORTFOLIO, StatementFacts
from transforms.statement.words import NOTHING_TO_FUND, say_usd

Cents = npt.NDArray[np.int64]
ROWS = (*LAYERS, PORTFOLIO)
LEVELS = ("short_open", "margin")
FLOWS = (
    "pnl", *PIECES, "cost_at_mid", "cost_at_full", "unsplit", "credit_received", "credit_kept", "protection_cost",
    "gains_rolled",
)  # fmt: skip
SHARES = ("pnl", *PIECES, "credit_received", "credit_kept", "credit_given_back", "protection_cost")
"""Amounts that are shown as a share of NAV as well."""

SCENARIOS = ("pnl_at_mid", "pnl", "pnl_at_full")
"""P&L with options filled at mid, a third of the half-spread away, and at the worse side."""


@dataclass(frozen=True, eq=False)
class Books:
    """The ledger by layer as arrays of shape (n,), one element a session.

    Parameters
    ----------
    days
        Sessions, ascending.
    cents
        By layer and amount: int64, cents.
    counts
        By layer: ``unmarked`` positions and sessions without a bill rate (``interest_unknown``).
    ratios
        By layer and window: float64, NaN undefined.
    options
        By layer: P&L of options, and the same at the low and the high end of their volatilities' band, dollars;
        NaN where a band is missing.
    """

    days: list[date]
    cents: Mapping[str, Mapping[str, Cents]]
    counts: Mapping[str, Mapping[str, Cents]]
    ratios: Mapping[str, Mapping[str, npt.NDArray[np.float64]]]
    options: Mapping[str, Series]


def build_ledger_statement(facts: StatementFacts) -> dict[str, Any]:
    """Return the ledger: five windows by layer, yearly cost, monthly credit, the readings side by side.

    Returns
    -------
    dict
        ``nav_usd``; ``windows``: ``session``, ``1m``, ``12m``, ``episode``, ``all``, each with its sessions and a row a
        layer and one for all (``portfolio``), or without rows and with the ``reason``; ``cost``, ``credit``: one a
        layer; ``budget``, ``claim``: what they are set beside; ``wacc``: None unless the book states one;
        ``readings``: the temporal layer under each.
    """
    books = read_books(facts)
    last = len(books.days) - 1
    windows = [_build_window(facts, books, "session", last, last, None)]
    starts = _find_starts(facts, books.days)
    for name in WINDOWS:
        start = int(starts[name][last])
        reason = None if start >= 0 else _why_no_window(facts, name, books.days[0])
        windows.append(_build_window(facts, books, name, start, last, reason))
    return {
        "nav_usd": facts.nav_usd,
        "windows": windows,
        "cost": build_costs(facts, books.options, books.days),
        "credit": build_credits(facts, books.days),
        "budget": {name: facts.parameters[f"valuation_budget_{name}"] for name in ("lowest_frac", "highest_frac")},
        "claim": {name: facts.parameters[f"valuation_credit_{name}"] for name in ("lowest_frac", "highest_frac")},
        "wacc": build_wacc(facts),
        "readings": _build_readings(facts, books.days, starts),
    }


def build_month_statement(facts: StatementFacts, month: str) -> dict[str, Any] | None:
    """Return a calendar month up to the session: its sums by layer, and its days.

    Parameters
    ----------
    month
        ``2020-03``.

    Returns
    -------
    dict or None
        ``month``, ``window`` (as one of ``windows``), ``days``: ``trade_date`` and a row a layer. None where no session
        of the month is there.
    """
    books = read_books(facts)
    places = [place for place, day in enumerate(books.days) if day.isoformat()[:7] == month]
    if not places:
        return None
    days = [
        {"trade_date": books.days[place].isoformat(), "layers": _build_rows(facts, books, place, place, None)}
        for place in places
    ]
    return {"month": month, "window": _build_window(facts, books, "month", places[0], places[-1], None), "days": days}


def build_ledger_history(facts: StatementFacts) -> dict[str, Any]:
    """Return what is drawn: accumulated dollars by session.

    Returns
    -------
    dict
        ``days``; ``credit_received``, ``credit_kept``, ``protection_cost`` of all layers; ``pnl`` by layer; dollars.
    """
    books = read_books(facts)

    def total(layer: str, name: str) -> list[float]:
        return [float(value) for value in np.cumsum(books.cents[layer][name]) / 100]

    return {
        "days": [day.isoformat() for day in books.days],
        **{name: total(PORTFOLIO, name) for name in ("credit_received", "credit_kept", "protection_cost")},
        "pnl": {layer: total(layer, "pnl") for layer in ROWS},
    }


def read_books(facts: StatementFacts) -> Books:
    """Sort the ledger by layer and count it in cents."""
    days = pd.to_datetime(facts.sessions["trade_date"]).dt.date.tolist()
    cents, counts, ratios, options = {}, {}, {}, {}
    for layer in ROWS:
        rows = facts.ledger[facts.ledger["layer"] == layer].sort_values("trade_date")
        cents[layer] = _in_cents(rows)
        counts[layer] = {
            "unmarked": rows["unmarked_count"].to_numpy(np.int64),
            "interest_unknown": (~rows["is_interest_known"].astype(bool)).to_numpy(np.int64),
        }
        ratios[layer] = {name: rows[f"self_funding_ratio_{name}"].to_numpy(np.float64) for name in WINDOWS}
        mine = facts.options[facts.options["layer"] == layer].set_index("trade_date")
        aligned = mine.reindex(pd.DatetimeIndex(facts.sessions["trade_date"]))
        is_there = aligned.index.isin(mine.index)
        # a session without options made nothing with them; one with options and no band is unknown
        options[layer] = Series(
            **{
                name: np.where(is_there, aligned[f"{name}_usd"].to_numpy(np.float64), 0.0)
                for name in ("option_pnl", "at_low_vol", "at_high_vol")
            }
        )
    whole = list(options.values())
    options[PORTFOLIO] = Series(
        **{name: sum(getattr(one, name) for one in whole) for name in ("option_pnl", "at_low_vol", "at_high_vol")}
    )
    return Books(days, cents, counts, ratios, options)


def _in_cents(rows: pd.DataFrame) -> dict[str, Cents]:
    return {
        name: np.rint(100 * rows[f"{name}_usd"].to_numpy(np.float64)).astype(np.int64) for name in (*FLOWS, *LEVELS)
    }


def _find_starts(facts: StatementFacts, days: Sequence[date]) -> dict[str, Cents]:
    vix = facts.sessions["vix_close_pts"].to_numpy(np.float64)
    return find_window_starts(days, vix, facts.parameters["episode_vix_pts"])


def _why_no_window(facts: StatementFacts, name: str, first: date) -> str:
    if name == "episode":
        edge, vix = facts.parameters["episode_vix_pts"], to_number(facts.sessions["vix_close_pts"].iloc[-1])
        closed = "the VIX close is not known" if vix is None else f"VIX closed at {vix:.2f}"
        return f"no high-VIX episode: {closed}, an episode is a run of closes from {edge:g}"
    return f"not covered: the ledger begins on {say_date(first)}"


def _build_window(
    facts: StatementFacts, books: Books, name: str, start: int, end: int, reason: str | None
) -> dict[str, Any]:
    is_there = reason is None
    return {
        "window": name,
        "first_trade_date": books.days[start].isoformat() if is_there else None,
        "last_trade_date": books.days[end].isoformat() if is_there else None,
        "sessions": end - start + 1 if is_there else None,
        "reason": reason,
        "layers": _build_rows(facts, books, start, end, name) if is_there else [],
    }


def _build_rows(facts: StatementFacts, books: Books, start: int, end: int, window: str | None) -> list[dict[str, Any]]:
    rows = []
    for layer in ROWS:
        span = slice(start, end + 1)
        sums = _add_up(books.cents[layer], start, end)
        ratio, note = _fund(sums, to_number(books.ratios[layer][window][end]) if window in WINDOWS else None, window)
        options = books.options[layer]
        band = {
            f"option_{name}_usd": to_number(np.round(getattr(options, field)[span].sum(), 2))
            for name, field in (("pnl", "option_pnl"), ("pnl_at_low_vol", "at_low_vol"),
                                ("pnl_at_high_vol", "at_high_vol"))
        }  # fmt: skip
        rows.append(
            {
                "layer": layer,
                **{f"{name}_usd": amount / 100 for name, amount in sums.items()},
                **{f"{name}_frac": sums[name] / 100 / facts.nav_usd for name in SHARES},
                **band,
                "margin_usd": int(books.cents[layer]["margin"][end]) / 100,
                "self_funding_ratio": ratio,
                "self_funding_note": note,
                "unmarked_count": int(books.counts[layer]["unmarked"][span].sum()),
                "interest_unknown_count": int(books.counts[layer]["interest_unknown"][span].sum()),
                "pieces_difference_usd": (sums["pnl"] - sum(sums[piece] for piece in PIECES)) / 100,
                "funding_difference_usd": (
                    sums["pnl"]
                    - sums["interest"]
                    - (sums["credit_kept"] - sums["protection_cost"] + sums["short_open_change"])
                )
                / 100,
            }
        )
    return rows


def _add_up(cents: Mapping[str, Cents], start: int, end: int) -> dict[str, int]:
    sums = {name: int(cents[name][start : end + 1].sum()) for name in FLOWS}
    before = int(cents["short_open"][start - 1]) if start else 0
    return {
        **sums,
        "pnl_at_mid": sums["pnl"] - sums["cost"] + sums["cost_at_mid"],
        "pnl_at_full": sums["pnl"] - sums["cost"] + sums["cost_at_full"],
        "credit_given_back": sums["credit_received"] - sums["credit_kept"],
        "short_open_change": int(cents["short_open"][end]) - before,
    }


def _fund(sums: Mapping[str, int], published: float | None, window: str | None) -> tuple[float | None, str | None]:
    """Return the self-funding ratio of a window, or why there is none."""
    cost = sums["protection_cost"]
    if cost < 0:
        return None, f"{NOTHING_TO_FUND}: protection gained {say_usd(-cost / 100)}"
    if cost == 0:
        return None, f"{NOTHING_TO_FUND}: protection cost nothing"
    # the table's own where it has one, so that no second rounding stands beside it
    return published if window in WINDOWS else sums["credit_kept"] / cost, None


def _build_readings(facts: StatementFacts, days: Sequence[date], starts: Mapping[str, Cents]) -> list[dict[str, Any]]:
    """Return the temporal layer under each reading, over 12 months and all sessions."""
    last = len(days) - 1
    layer = facts.ledger[facts.ledger["layer"] == "temporal_vega"].sort_values("trade_date")
    booked = _in_cents(layer)
    found = []
    for reading, rows in facts.readings.groupby("reading", sort=True):
        cents = _in_cents(rows.sort_values("trade_date"))
        is_booked = all(np.array_equal(cents[name], booked[name]) for name in FLOWS)
        entry: dict[str, Any] = {"reading": str(reading), "is_as_booked": is_booked}
        for window in ("12m", "all"):
            start = int(starts[window][last])
            sums = _add_up(cents, start, last) if start >= 0 else None
            ratio, note = (
                _fund(sums, None, None) if sums else (None, _why_no_window(facts, window, days[0]))
            )  # fmt: skip
            entry[window] = {
                **{
                    f"{name}_usd": sums[name] / 100 if sums else None
                    for name in ("pnl", "roll", "curve", "cost", "interest", "credit_received", "credit_kept",
                                 "credit_given_back", "protection_cost", "gains_rolled")
                },
                "pnl_frac": sums["pnl"] / 100 / facts.nav_usd if sums else None,
                "self_funding_ratio": ratio,
                "self_funding_note": note,
            }  # fmt: skip
        entry["margin_usd"] = int(cents["margin"][last]) / 100
        found.append(entry)
    return found
