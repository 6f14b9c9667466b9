"""The user's own book in the report: what the warehouse says of it, as published state, sentences and tables.

Everything here is of the account that `book.toml` states, and names it; the model account has sections of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.page.tables import make_cell, make_column, make_row, make_table
from transforms.page.text import MISSING, join_words, say_count, say_date, say_number, to_plain
from transforms.policy.model import LAYERS
from transforms.report.cells import number_column
from transforms.report.links import href_of
from transforms.report.measures import Measure
from transforms.statement.words import LAYER_TITLES, say_contracts, say_usd

NO_BOOK = "No book of your own is in use; docs/book.md says how inputs/book.toml adds the orders of your account here."
NO_TABLES = "This warehouse has no tables of a book of your own: it was built by a version that read none."
EARLIER_SESSION = "Your book is shown for the newest session alone: what it wants and holds on this one is not kept."

_ORDERS = "mart.book_orders, transforms/portfolio"
_EXPOSURE = "mart.book_exposure, transforms/portfolio"

BOOK_MEASURES = (
    *(
        Measure(
            f"{layer}_target_contracts", f"Your book, target of {LAYER_TITLES[layer].lower()}", "count", "contracts",
            "Whole contracts that the layer wants for the account of your book.", model=_ORDERS,
        )
        for layer in LAYERS
    ),
    Measure("stated_contracts", "Your book, held", "count", "contracts",
            "What your book states, without what has settled by the session.", model="ref.book_positions",
            kind="source claims"),
    Measure("vega_usd_per_vix_pt", "Your book, vega", "level", "US dollars a point",
            "What is protected makes this much for one point of VIX.", model=_EXPOSURE, kind="model-priced"),
    Measure("delta_usd_per_pt", "Your book, delta", "level", "US dollars a point",
            "What is protected makes this much for one point of the S&P 500.", model=_EXPOSURE, kind="model-priced"),
    Measure("gamma_usd_per_pt2", "Your book, gamma", "level", "US dollars a point, a point",
            "Change of the delta for one point of the S&P 500.", model=_EXPOSURE, kind="model-priced"),
)  # fmt: skip
"""Every number of the section on the book, in words; the number of an order explains itself in its row."""

_LAYER_KEYS = ("layer", "state", "target_vega_usd", "reason")
_ORDER_KEYS = (
    *("instrument", "target_contracts", "wanted_contracts", "held_contracts", "order_contracts"),
    *("mark_pts", "vega_usd", "is_model_priced", "reason", "layer_reasons"),
)


def explain_no_book(warnings: Sequence[str]) -> str:
    """Return why there is no book to show: none is there, or what is there cannot be used."""
    return f"{NO_BOOK} Yours is {'; '.join(warnings)}." if warnings else NO_BOOK


def build_book_state(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``book`` of ``hedge-state.json``.

    Parameters
    ----------
    found
        What ``warehouse.book_data.read_book_orders`` returns, with an account.

    Returns
    -------
    dict
        Plain JSON types, USD and contracts of the book's account. ``order_count`` is None where nothing is decided,
        because the day of the book lies after the session; ``protected`` is None there too. Balances, prices paid and
        required returns stay in the warehouse: a report is handed on more easily than a home folder.
    """
    account, exposure = found["account"], found["exposure"]
    is_entered = account["entered_date"] is not None
    state = {
        "account": account["account"],
        "is_model": False,
        "trade_date": found["session"],
        "as_of_date": account["as_of_date"],
        "entered_date": account["entered_date"],
        "nav_usd": account["account_nav_usd"],
        "order_count": sum(1 for one in found["orders"] if one["order_contracts"]) if is_entered else None,
        "protected": _protected(account, exposure, found["positions"]) if exposure is not None else None,
        "layers": [{name: layer[name] for name in _LAYER_KEYS} for layer in found["layers"]],
        "orders": [
            {
                **{name: order[name] for name in _ORDER_KEYS},
                "layer_targets": {layer: order[f"{layer}_target_contracts"] for layer in LAYERS},
            }
            for order in found["orders"]
        ],
        "warnings": list(found["warnings"]),
    }
    plain: dict[str, Any] = to_plain(state)
    return plain


def say_book_orders(book: Mapping[str, Any], next_session: str | None) -> str:
    """Return how many orders the book has: ``2 orders for the settlement of 8 Jan 2026``, or why that is not known.

    Parameters
    ----------
    book
        As `build_book_state` returns it.
    next_session
        Session whose settlement the orders wait for; None where it is not known.
    """
    count = book["order_count"]
    if count is None:
        return f"orders not known: it is of {say_date(book['as_of_date'])}, nothing is decided after its close yet"
    when = f"for the settlement of {say_date(next_session)}" if next_session else "for the next settlement"
    return f"{say_count(count, 'order') if count else 'no order'} {when}"


def build_book_section(book: Mapping[str, Any], next_session: str | None) -> dict[str, Any]:
    """Return what the page prints of the book: sentences and tables."""
    entered = book["entered_date"]
    since = f"in the hedge since the close of {say_date(entered)}" if entered else "not in the hedge yet"
    return {
        "sentence": f"Your book: {say_book_orders(book, next_session)}.",
        "account": (
            f"Your account of {say_usd(book['nav_usd'])}, book of {say_date(book['as_of_date'])}, {since}. This "
            "is not the model account, whose positions and ledger have sections of their own."
        ),
        "protected": None if book["protected"] is None else _protected_table(book["protected"]),
        "no_protected": "What it protects is valued from the close at which it enters the hedge.",
        "layers": [_say_layer(layer) for layer in book["layers"]],
        "orders": _order_table(book["orders"]) if book["orders"] else None,
        "no_orders": "Nothing is wanted and nothing is held.",
        "warnings": book["warnings"],
    }


def _protected(
    account: Mapping[str, Any], exposure: Mapping[str, Any], positions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "source": exposure["exposure_source"],
        # the greeks of a broker are no price of our model
        "is_model_priced": account["protects"] != "greeks",
        "legs": [
            {name: one[name] for name in ("instrument", "stated_contracts", "is_expired")}
            for one in positions
            if one["position_kind"] == "protected_leg"
        ],
        **{name: exposure[name] for name in ("delta_usd_per_pt", "gamma_usd_per_pt2", "vega_usd_per_vix_pt")},
    }


def _say_protected(protected: Mapping[str, Any]) -> tuple[str, str]:
    """Return what is protected, and of what kind its numbers are."""
    if protected["source"] == "book_greeks":
        return "Greeks your book states", "stated; vega a point of VIX by the ratio of our model"
    if protected["source"] == "model_condor":
        return "Model condor, scaled to your account", "model-priced"
    legs = protected["legs"]
    gone = sum(1 for leg in legs if leg["is_expired"])
    return f"{say_count(len(legs), 'SPX leg')}{f', {gone} of them expired' if gone else ''}", "model-priced"


def _protected_table(protected: Mapping[str, Any]) -> dict[str, Any]:
    what, kind = _say_protected(protected)
    columns = [
        make_column("Protected"),
        number_column("Delta", "delta_usd_per_pt", "$ a point of SPX"),
        number_column("Gamma", "gamma_usd_per_pt2", "its change a point"),
        number_column("Vega", "vega_usd_per_vix_pt", "$ a point of VIX"),
        make_column("Kind"),
    ]
    held = [leg for leg in protected["legs"] if not leg["is_expired"]]
    legs = join_words([f"{say_number(leg['stated_contracts'], 'count', signed=True)} {_short(leg)}" for leg in held])
    row = make_row(
        make_cell(what, note=legs),
        _greek(protected["delta_usd_per_pt"]),
        _greek(protected["gamma_usd_per_pt2"]),
        _greek(protected["vega_usd_per_vix_pt"]),
        make_cell(kind, tone="quiet"),
    )
    return make_table(columns, [row], [])


def _short(leg: Mapping[str, Any]) -> str:
    return str(leg["instrument"]).removeprefix("SPX ")


def _order_table(orders: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    columns = [
        make_column("Instrument"),
        *(
            make_column(
                LAYER_TITLES[layer],
                "target",
                terse=f"{LAYER_TITLES[layer]} target",
                is_number=True,
                href=href_of(f"{layer}_target_contracts"),
            )
            for layer in LAYERS
        ),
        number_column("Held", "stated_contracts", "your book"),
        make_column("Order", "next session", is_number=True),
        make_column("Why"),
    ]
    rows = [
        make_row(
            make_cell(order["instrument"]),
            *(_contracts(order["layer_targets"][layer]) for layer in LAYERS),
            _contracts(order["held_contracts"]),
            _contracts(order["order_contracts"], signed=True),
            make_cell(order["reason"] or MISSING, note=order["layer_reasons"] or ""),
        )
        for order in orders
    ]
    return make_table(columns, rows, [])


def _say_layer(layer: Mapping[str, Any]) -> str:
    wanted = layer["target_vega_usd"]
    said = "" if wanted is None else f", wants {say_usd(wanted)} a point of its future"
    return f"{LAYER_TITLES[layer['layer']]} {layer['state']}{said}: {layer['reason']}."


def _contracts(value: float | None, *, signed: bool = False) -> dict[str, Any]:
    if value is None:
        return make_cell(MISSING, tone="missing")
    text = say_number(value, "count", signed=True) if signed else say_contracts(value)
    return make_cell(text, tone="" if value else "quiet")


def _greek(value: float | None) -> dict[str, Any]:
    return make_cell(say_number(value, "pts"), tone="missing" if value is None else "")
