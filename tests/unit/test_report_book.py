"""The user's book in the report: page, Markdown and JSON, apart from the model account."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from tests.support.report_fixtures import AS_OF, make_inputs
from transforms.errors import PipelineError
from transforms.report.book import (
    EARLIER_SESSION,
    NO_BOOK,
    build_book_section,
    build_book_state,
    explain_no_book,
    say_book_orders,
)
from transforms.report.context import build_report_context
from transforms.report.render import render_html, render_json, render_markdown

HOSTILE = '<img src=x onerror="alert(1)"> | [a](javascript:b) `c`'


def make_order(instrument: str, base: int, held: int, order: int, **changes: Any) -> dict[str, Any]:
    return {
        "trade_date": str(AS_OF),
        "instrument": instrument,
        "account_nav_usd": 123_456.0,
        "base_target_contracts": base,
        "temporal_vega_target_contracts": 0,
        "second_engine_target_contracts": 0,
        "target_contracts": float(base),
        "wanted_contracts": base - 0.25 if base else 0.0,
        "held_contracts": held,
        "order_contracts": order,
        "mark_pts": 18.25,
        "vega_usd": 100.0 * held,
        "target_vega_usd": 175.0,
        "is_model_priced": False,
        "reason": f"as made up for {instrument}",
        "layer_reasons": "base: as made up",
        "policy_hash": "ab" * 32,
    } | changes


def make_book(**changes: Any) -> dict[str, Any]:
    """What the warehouse says of a made-up book: two orders, and one instrument that is held as wanted."""
    return {
        "session": str(AS_OF),
        "is_simulated": False,
        "account": {
            "account": "your book",
            "as_of_date": "2026-02-18",
            "entered_date": "2026-02-18",
            "account_nav_usd": 123_456.0,
            "account_margin_usd": 41_771.0,
            "account_cash_usd": None,
            "account_bills_usd": None,
            "protects": "legs",
            "stated_delta_usd_per_pt": None,
            "stated_vega_usd_per_vol_pt": None,
            "required_return_frac": 0.12,
            "wacc_frac": None,
            "equity_premium_frac": None,
            "file_sha256": "cd" * 32,
            "fetched_at_utc": "2026-02-20T23:30:00+00:00",
        },
        "exposure": {
            "trade_date": str(AS_OF),
            "account_nav_usd": 123_456.0,
            "exposure_source": "book_legs",
            "mark_usd": -900.0,
            "delta_usd_per_pt": -3.125,
            "gamma_usd_per_pt2": -0.0875,
            "vega_usd_per_vol_pt": -400.0,
            "vega_usd_per_vix_pt": -340.55,
            "theta_usd_per_day": 31.0,
            "protected_vega_usd": 340.55,
        },
        "layers": [
            {"layer": "base", "state": "active", "target_vega_usd": 171.0, "reason": "entered"},
            {"layer": "temporal_vega", "state": "idle", "target_vega_usd": None, "reason": "nothing is wanted"},
            {"layer": "second_engine", "state": "idle", "target_vega_usd": 0.0, "reason": "nothing is wanted"},
        ],
        "orders": [
            make_order("VXM 2026-03-18", 2, 0, 2),
            make_order("VXM 2026-04-15", 0, 4, -4),
            make_order("VXM 2026-05-19", 1, 1, 0, reason="no order: held as wanted"),
        ],
        "positions": [
            {"instrument": "SPX 2026-03-20 P 6600", "position_kind": "protected_leg", "stated_contracts": -1}
            | {"is_expired": False, "stated_price_pts": 77.77},
            {"instrument": "SPX 2026-02-20 P 6300", "position_kind": "protected_leg", "stated_contracts": 1}
            | {"is_expired": True, "stated_price_pts": None},
            {"instrument": "VXM 2026-04-15", "position_kind": "hedge_future", "stated_contracts": 4}
            | {"is_expired": False, "stated_price_pts": 17.85},
        ],
        "warnings": ["1 of 2 condor legs expired by 2026-02-20 and count nothing"],
    } | changes


def with_account(**changes: Any) -> dict[str, Any]:
    return {"account": make_book()["account"] | changes}


def not_entered() -> dict[str, Any]:
    """A book of a day after the session: nothing is decided yet."""
    unknown = dict.fromkeys(
        (
            *("base_target_contracts", "temporal_vega_target_contracts", "second_engine_target_contracts"),
            *("target_contracts", "wanted_contracts", "order_contracts", "mark_pts", "vega_usd"),
            *("is_model_priced", "layer_reasons"),
        )
    )
    order = make_order("VXM 2026-04-15", 0, 4, 0, reason="no order: nothing is decided yet") | unknown
    account = with_account(entered_date=None, as_of_date="2026-02-23")
    return make_book(exposure=None, layers=[], orders=[order], **account)


BOOKS = {
    "orders": make_book(),
    "as_held": make_book(orders=[make_order("VXM 2026-05-19", 1, 1, 0)], warnings=[]),
    "nothing": make_book(orders=[], positions=[]),
    "not_entered": not_entered(),
    "greeks": make_book(
        exposure=make_book()["exposure"] | {"exposure_source": "book_greeks", "gamma_usd_per_pt2": None},
        positions=[],
        **with_account(protects="greeks"),
    ),
}


def build(book: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    return build_report_context(make_inputs(book=book, **changes))


@pytest.mark.parametrize("kind", BOOKS)
def test_every_book_is_rendered_three_ways(kind: str) -> None:
    context = build(BOOKS[kind])
    page, text = render_html(context), render_markdown(context)
    assert json.loads(render_json(context)) == context["state"]
    assert page.count('id="book"') == 1
    assert "\n## Your book\n" in text
    for rendering in (page, text):
        assert context["book"]["sentence"] in rendering
        assert not re.search(r"\b(None|nan|NaT)\b", rendering)


def test_sections_stand_in_order_and_each_names_its_account() -> None:
    context = build(make_book())
    page, text = render_html(context), render_markdown(context)
    assert page.index('<section id="positions"') < page.index('<section id="book"') < page.index('<section id="ledger"')
    assert text.index("## Positions and orders") < text.index("## Your book") < text.index("## Ledger")
    mine = page.partition('<section id="book"')[2].partition("</section>")[0]
    models = page.partition('<section id="positions"')[2].partition("</section>")[0]
    assert "Your book: 2 orders for the settlement of 23 Feb 2026." in mine
    assert "Your account of $123,456, book of 18 Feb 2026" in mine
    assert re.search(r"Model account: (no order|\d+ orders?) for the settlement of 23 Feb 2026\.", models)
    assert "VXM 2026-04-15" in mine
    assert "$123,456" not in models
    assert context["state"]["book"]["is_model"] is False
    assert context["state"]["account"]["is_model"] is True


def test_model_account_is_the_same_with_and_without_a_book() -> None:
    with_book, without = build(make_book()), build(None)
    parts = ("account", "positions", "totals", "trades", "funding", "next_session")
    assert {name: with_book["state"][name] for name in parts} == {name: without["state"][name] for name in parts}
    assert with_book["positions"] == without["positions"]


def test_opening_says_the_orders_in_one_line() -> None:
    page = render_html(build(make_book()))
    opening = page[: page.index('class="strip"')]
    assert "Your book: 2 orders for the settlement of 23 Feb 2026." in opening
    assert "Model account." in opening


def test_table_shows_target_by_layer_held_order_and_why() -> None:
    rows = build(make_book())["book"]["orders"]["rows"]
    assert [[cell["text"] for cell in row["cells"]] for row in rows] == [
        ["VXM 2026-03-18", "2", "0", "0", "0", "+2", "as made up for VXM 2026-03-18"],
        ["VXM 2026-04-15", "0", "0", "0", "4", "−4", "as made up for VXM 2026-04-15"],
        ["VXM 2026-05-19", "1", "0", "0", "1", "0", "no order: held as wanted"],
    ]
    assert rows[0]["cells"][-1]["note"] == "base: as made up"


def test_greeks_of_what_is_protected_are_labelled() -> None:
    row = build(make_book())["book"]["protected"]["rows"][0]["cells"]
    assert [cell["text"] for cell in row] == [
        *("2 SPX legs, 1 of them expired", "−3.12", "−0.09", "−340.55", "model-priced")
    ]
    assert row[0]["note"] == "−1 2026-03-20 P 6600"
    stated = build(BOOKS["greeks"])
    row = stated["book"]["protected"]["rows"][0]["cells"]
    assert (row[0]["text"], row[2]["text"]) == ("Greeks your book states", "—")
    assert row[4]["text"].startswith("stated; ")
    assert stated["state"]["book"]["protected"]["is_model_priced"] is False


def test_orders_are_counted_and_what_is_not_decided_is_not_none() -> None:
    said = {kind: say_book_orders(build_book_state(book), "2026-02-23") for kind, book in BOOKS.items()}
    assert said["orders"] == "2 orders for the settlement of 23 Feb 2026"
    assert said["as_held"] == said["nothing"] == "no order for the settlement of 23 Feb 2026"
    assert said["not_entered"] == "orders not known: it is of 23 Feb 2026, nothing is decided after its close yet"
    assert say_book_orders(build_book_state(make_book()), None) == "2 orders for the next settlement"
    state = build_book_state(BOOKS["not_entered"])
    assert (state["order_count"], state["protected"]) == (None, None)
    row = build_book_section(state, None)["orders"]["rows"][0]["cells"]
    assert [cell["text"] for cell in row[1:6]] == ["—", "—", "—", "4", "—"]


def test_warnings_are_printed() -> None:
    context = build(make_book())
    assert context["state"]["book"]["warnings"] == make_book()["warnings"]
    for rendering in (render_html(context), render_markdown(context)):
        assert "1 of 2 condor legs expired by 2026-02-20 and count nothing" in rendering


def test_instrument_reason_and_warning_are_text_and_nothing_else() -> None:
    order = make_order(HOSTILE, 1, 0, 1, reason=HOSTILE, layer_reasons=HOSTILE)
    layers = [{"layer": "base", "state": "active", "target_vega_usd": 1.0, "reason": HOSTILE}]
    context = build(make_book(orders=[order], warnings=[HOSTILE], layers=layers))
    page, text = render_html(context), render_markdown(context)
    for rendering in (page, text):
        assert "<img" not in rendering
        assert "&lt;img" in rendering
    assert "[a](javascript" not in text
    assert context["state"]["book"]["orders"][0]["reason"] == HOSTILE
    table = text.partition("## Your book")[2].partition("## Ledger")[0]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines() if line.startswith("| ")}
    assert widths == {8, 6}  # seven columns of orders, five of what is protected


def test_balances_prices_and_required_returns_stay_at_home() -> None:
    context = build(make_book())
    for rendering in (render_html(context), render_markdown(context), render_json(context)):
        assert "123,456" in rendering or "123456" in rendering
        assert not re.search(r"41,?771|77\.77|17\.85|cdcdcd", rendering)
    assert "required_return_frac" not in context["state"]["book"]


@pytest.mark.parametrize("note", [NO_BOOK, EARLIER_SESSION, explain_no_book([f"not used: {HOSTILE}"])])
def test_without_a_book_one_muted_line_says_why(note: str) -> None:
    context = build(None, book_note=note)
    document = json.loads(render_json(context))
    assert (document["book"], document["book_note"]) == (None, note)
    page, text = render_html(context), render_markdown(context)
    lines = [line for line in page.splitlines() if 'id="book"' in line]
    assert len(lines) == 1
    assert lines[0].startswith('<p id="book" class="after aside">')
    assert "<img" not in lines[0]
    for rendering in (page.partition("<body>")[2], text):
        assert "## Your book" not in rendering
        assert "Your book:" not in rendering
    assert "docs/book.md" in NO_BOOK
    assert "inputs/book.toml" in NO_BOOK


def test_every_number_of_the_section_leads_to_its_definition_even_without_a_ledger() -> None:
    for changes in ({}, {"statement": None}):
        page = render_html(build(make_book(), **changes))
        anchors = re.findall(r'<div id="(g-[\w]+)"', page)
        linked = set(re.findall(r'href="\.\./reference/([\w.#]+)"', page.partition('<section id="book"')[2]))
        wanted = {
            *("mart.book_orders.html#base_target_contracts", "ref.book_positions.html#stated_contracts"),
            "mart.book_exposure.html#vega_usd_per_vix_pt",
        }
        assert wanted <= linked
        assert {f"g-{one.partition('#')[2]}" for one in wanted} <= set(anchors)
        assert len(anchors) == len(set(anchors))


def test_book_of_another_session_is_refused() -> None:
    with pytest.raises(PipelineError, match="not those of the session of the report"):
        make_inputs(book=make_book(session="2026-02-19"))


@pytest.mark.parametrize("part", ["account", "orders", "order_count", "warnings", "protected"])
def test_schema_refuses_a_book_of_another_shape(part: str) -> None:
    context = build(make_book())
    missing = copy.deepcopy(context)
    del missing["state"]["book"][part]
    with pytest.raises(PipelineError, match="shape"):
        render_json(missing)
    context["state"]["book"][part] = {"is_else": 1}
    with pytest.raises(PipelineError, match="shape"):
        render_json(context)


def test_schema_refuses_the_model_account_as_a_book() -> None:
    context = build(make_book())
    context["state"]["book"]["account"] = "model account"
    with pytest.raises(PipelineError, match="shape"):
        render_json(context)
