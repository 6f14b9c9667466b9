"""Positions and ledger in the report: page, Markdown and JSON carry the same numbers."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.report_fixtures import make_inputs
from tests.support.statement_facts import make_position, make_statement_facts
from transforms.errors import PipelineError
from transforms.report.context import build_report_context
from transforms.report.ledger_chart import MOST_POINTS, build_ledger_chart, draw_ledger_chart
from transforms.report.render import render_html, render_json, render_markdown
from transforms.statement.build import NO_VALUATION, build_statement
from transforms.statement.ledger import build_ledger_history

VALUED = {
    "trade_date": date(2026, 2, 20),
    "break_even_30d_vix_pts": 21.69,
    "break_even_30d_words": "gains above 21.69",
    "irr_frac": None,
    "irr_frac_note": "nothing is held",
    "required_return_frac": -1.7613,
    "quick_ratio": 223.78,
}
EVENINGS: dict[str, dict[str, Any]] = {
    "ordinary": {},
    "nothing_held": {"positions": (), "trades": (), "time_shifts": ()},
    "unknown_price": {"positions": (make_position("base", "VX 2026-03-18", 4, mark_pts=None, vega_usd=None),)},
    "short_history": {"count": 5},
    "no_condor": {"condor": None, "next_session": None},
    "valued": {"valuation": tuple(VALUED | {"layer": layer} for layer in ("base", "portfolio"))},
}


def build(**changes: Any) -> dict[str, Any]:
    return build_report_context(make_inputs(statement=make_statement_facts(**changes)))


@pytest.mark.parametrize("evening", EVENINGS)
def test_every_evening_is_rendered_three_ways(evening: str) -> None:
    context = build(**EVENINGS[evening])
    page, text = render_html(context), render_markdown(context)
    assert json.loads(render_json(context)) == context["state"]
    for rendering in (page, text):
        assert "Positions and orders" in rendering
        assert not re.search(r"\b(None|nan|NaT)\b", rendering)
        assert "self-funded" not in rendering.lower()


def test_json_file_is_the_statement_of_the_commands() -> None:
    statement = build_statement(make_statement_facts())
    state = build()["state"]
    assert {name: state[name] for name in statement} == statement


def test_page_and_text_print_the_same_cells() -> None:
    context = build()
    page, text = render_html(context), render_markdown(context)
    for table in (context["ledger"]["pieces"], context["ledger"]["credits"], context["positions"]["table"]):
        for row in table["rows"]:
            for cell in row["cells"]:
                assert f">{cell['text']}<" in page.replace("</a>", "<")
                assert cell["text"] in text


def test_opening_says_funding_in_one_line() -> None:
    page = render_html(build())
    assert page.index("Funding, 12 months") < page.index('class="strip"')


def test_every_number_of_the_tables_leads_to_its_definition() -> None:
    page = render_html(build())
    anchors = set(re.findall(r'<div id="(g-[\w]+)"', page))
    linked = set(re.findall(r'href="#(g-[\w]+)"', page))
    assert {"g-option_pnl_usd", "g-credit_given_back_usd"} <= anchors
    assert linked <= anchors
    for column in ("daily_hedge_ledger.html#self_funding_ratio_12m", "daily_positions.html#vega_usd"):
        assert f'class="ref" href="../reference/mart.{column}"' in page


def test_option_numbers_carry_their_band_and_label() -> None:
    rows = build()["positions"]["table"]["rows"]
    call = next(row["cells"] for row in rows if row["cells"][0]["text"] == "VIX 2026-05-19 C 32.5")
    assert (call[5]["text"], call[5]["note"]) == ("2.00", "1.60 to 2.40")
    assert " to " in call[6]["note"]
    assert call[-1]["text"] == "model-priced"


def test_layer_that_holds_nothing_says_so() -> None:
    context = build(positions=(make_position("base", "VX 2026-03-18", 4),))
    assert context["positions"]["empty"] == [
        "Temporal vega holds nothing and wants nothing: as made up.",
        "Second engine holds nothing and wants nothing: as made up.",
    ]


def test_valuation_is_shown_with_reasons_and_its_absence_is_said() -> None:
    assert NO_VALUATION in render_html(build())
    page = render_html(build(**EVENINGS["valued"]))
    assert NO_VALUATION not in page
    assert "gains above 21.69" in page
    assert "nothing is held" in page


def test_warehouse_without_a_ledger_has_a_report_without_the_sections() -> None:
    context = build_report_context(make_inputs(statement=None))
    page = render_html(context)
    assert 'id="ledger"' not in page
    assert 'id="positions"' not in page
    document = json.loads(render_json(context))
    assert (document["positions"], document["funding"], document["account"]) == ([], None, None)


def test_ledger_of_another_session_is_refused() -> None:
    facts = make_statement_facts()
    other = make_inputs().as_of.replace(day=19)
    sessions = facts.sessions.iloc[:-1]
    with pytest.raises(PipelineError, match="not that of the session of the report"):
        make_inputs(statement=make_statement_facts(as_of=other, sessions=sessions))


def test_chart_keeps_the_newest_session_and_few_points() -> None:
    chart = build_ledger_chart(build_ledger_history(make_statement_facts(count=1000)))
    assert chart["sessions"][-1]["trade_date"] == "2026-02-20"
    assert len(chart["sessions"]) <= MOST_POINTS
    assert len(chart["credit_kept"]) == len(chart["pnl"]["portfolio"]) == len(chart["sessions"])


@pytest.mark.parametrize("sessions", [1, 60, 1000])
@pytest.mark.parametrize("is_compact", [False, True])
def test_chart_is_one_svg_with_words_and_colours_of_the_page(sessions: int, is_compact: bool) -> None:
    chart = build_ledger_chart(build_ledger_history(make_statement_facts(count=sessions)))
    svg = draw_ledger_chart(chart, is_compact=is_compact)
    root = ET.fromstring(svg)  # noqa: S314  our own drawing
    assert root[0].text == chart["title"]
    assert "var(--chart-protection)" in svg
    assert draw_ledger_chart(chart, is_compact=is_compact) == svg
