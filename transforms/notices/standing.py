"""Where a published night leaves the hedge: what is compared between two nights, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from transforms.explain.words import LAYER_NAMES
from transforms.page.text import MISSING, say_number

UNWELL = frozenset({"stale", "failed", "refused"})
"""States of a source that are news when they begin. One that a home never had is absent, and no news."""

_SHOWN_TERMS = 3


@dataclass(frozen=True)
class Standing:
    """What two nights are compared by.

    Attributes
    ----------
    session
        Session it is of.
    layers
        State and number of steps of each layer.
    governor_mode
        ``promoter`` or ``steward``; None where no layers are decided.
    unwell
        Labels of the sources that are stale, failed or refused.
    """

    session: date
    layers: Mapping[str, tuple[str, int]]
    governor_mode: str | None
    unwell: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "session": self.session.isoformat(),
            "layers": {layer: list(state) for layer, state in self.layers.items()},
            "governor_mode": self.governor_mode,
            "unwell": sorted(self.unwell),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Standing:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is something else.
        """
        return cls(
            session=date.fromisoformat(found["session"]),
            layers={str(layer): (str(state), int(steps)) for layer, (state, steps) in found["layers"].items()},
            governor_mode=found["governor_mode"],
            unwell=frozenset(str(label) for label in found["unwell"]),
        )


@dataclass(frozen=True)
class Evening:
    """A published session: its standing, and the words and numbers that a message may need.

    Attributes
    ----------
    layers, governor
        A layer, and the governor, in a line each: what it stands on.
    unwell
        A sentence for each source of ``standing.unwell``.
    curve
        VIX, VX1, contango and regime in a line.
    orders
        Orders of the model account for the next session.
    book_orders
        How many the user's own book has; None without a book. What they are is not said outside of the home.
    reasons
        Why the data are degraded; empty where they are not.
    """

    standing: Standing
    is_simulated: bool
    layers: Mapping[str, str]
    governor: str
    unwell: Mapping[str, str]
    curve: str
    orders: tuple[str, ...] = ()
    book_orders: int | None = None
    reasons: tuple[str, ...] = ()

    @property
    def session(self) -> date:
        """Session it is of."""
        return self.standing.session


def build_evening(
    session: date,
    explanation: Mapping[str, Any] | None,
    health: Mapping[str, Any],
    curve: Mapping[str, Any],
    *,
    is_simulated: bool,
    orders: Sequence[tuple[str, int]] = (),
    book_orders: int | None = None,
) -> Evening:
    """Return a published session as messages see it.

    Parameters
    ----------
    explanation
        As :func:`transforms.explain.build.build_explanation` returns it; None where no layers are decided.
    health
        As :func:`transforms.report.health.build_data_health` returns it.
    curve
        ``vix_close_pts``, ``vx1_settle_pts`` in points, ``contango_frac``, ``curve_regime``; None where missing.
    orders
        Instrument and contracts, signed, of the model account.
    book_orders
        How many orders the user's own book has.
    """
    layers = explanation["layers"] if explanation else []
    sources = {str(one["label"]): one for one in health["sources"] if one["status"] in UNWELL}
    standing = Standing(
        session=session,
        layers={one["layer"]: (one["state"], int(one["step_count"])) for one in layers},
        governor_mode=explanation["governor"]["mode"] if explanation else None,
        unwell=frozenset(sources),
    )
    return Evening(
        standing=standing,
        is_simulated=is_simulated,
        layers={one["layer"]: _say_layer(one) for one in layers},
        governor=explanation["governor"]["held_text"] or "no guard holds" if explanation else "",
        unwell={label: _say_source(one) for label, one in sources.items()},
        curve=_say_curve(curve),
        orders=tuple(f"{count:+d} {instrument}" for instrument, count in orders),
        book_orders=book_orders,
        reasons=tuple(health["reasons"]),
    )


def name_layer(layer: str) -> str:
    """Return a layer's name in words."""
    return LAYER_NAMES.get(layer, layer)


def say_state(state: str, steps: int) -> str:
    """Return a state with its steps where there are several: ``active, 2 steps``."""
    return f"{state}, {steps} steps" if steps > 1 else state


def _say_layer(one: Mapping[str, Any]) -> str:
    """Return why a layer is where it is, with the numbers of its rules, and what it wants."""
    reason = str(one["reason"])
    why = reason.partition(": ")[2] or reason
    return "; ".join([why, *_say_terms(one["clauses"]), f"target {one['target_text']}"])


def _say_terms(clauses: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the rules measured, one term a column: those that hold first, because they decided."""
    terms = [term for clause in clauses for term in clause["terms"] if term["column"]]
    chosen: dict[str, Mapping[str, Any]] = {}
    for term in sorted(terms, key=lambda term: term["truth"] is not True):
        chosen.setdefault(term["column"], term)
    words = []
    for term in list(chosen.values())[:_SHOWN_TERMS]:
        is_flag = term["shown"] == term["column"]
        words.append(f"{term['column']} {term['values_text']}" + ("" if is_flag else f" ({_bound(term)})"))
    return words


def _bound(term: Mapping[str, Any]) -> str:
    # "vix_close_pts ≥ 25" is said beside the column's own name already
    condition = str(term["shown"]).removeprefix(f"{term['column']} ")
    truth = {True: "holds", False: "does not hold", None: "not evaluable"}[term["truth"]]
    return f"{condition} {truth}"


def _say_source(one: Mapping[str, Any]) -> str:
    age = one.get("age_sessions")
    newest = f", newest value {one['newest_reference_date']}" if one.get("newest_reference_date") else ""
    behind = f", {age} session{'s' if age != 1 else ''} behind" if age else ""
    note = f" ({one['note']})" if one.get("note") else ""
    return f"{one['label']} {one['status']}{newest}{behind}{note}"


def _say_curve(curve: Mapping[str, Any]) -> str:
    vix, front = (say_number(curve.get(name), "pts") for name in ("vix_close_pts", "vx1_settle_pts"))
    contango = say_number(curve.get("contango_frac"), "frac", signed=True)
    regime = curve.get("curve_regime") or MISSING
    return f"VIX {vix}, VX1 {front}, contango {contango}, regime {regime}"
