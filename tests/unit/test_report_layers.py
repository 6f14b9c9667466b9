"""The layers and the context in the report: page, Markdown and JSON."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.explain_fixtures import make_facts
from tests.support.report_fixtures import make_inputs
from transforms.errors import PipelineError
from transforms.report.charts import draw_layers_chart
from transforms.report.context import build_report_context
from transforms.report.render import render_html, render_json, render_markdown


def build(**changes: Any) -> dict[str, Any]:
    """Return the context of a night whose facts have been changed."""
    return build_report_context(make_inputs(hedge=make_facts(**changes)))


def document(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render_json(build(**changes)))
    return found


def texts(table: dict[str, Any], first: str) -> list[str]:
    """Return the texts of the row that begins with a label."""
    return next([cell["text"] for cell in row["cells"]] for row in table["rows"] if row["cells"][0]["text"] == first)


def context_row(context: dict[str, Any], label: str) -> list[str]:
    rows = [row["cells"] for group in context["surroundings"] for row in group["table"]["rows"]]
    return next([cell["text"] for cell in cells[1:]] for cells in rows if cells[0]["text"] == label)


UNKNOWN = {
    "signals": {"is_ts_macd_converging": None, "ad_divergence_z": None, "vvix_rsi14": None, "is_fomc_window": None},
    "states": {
        "temporal_vega": ("blocked", 0, "blocked: whether the term-structure MACD converges is not known today")
    },
    "mode": "steward",
    "held": "macro_event_window?, vvix_extreme?",
}
NIGHTS: dict[str, dict[str, Any]] = {
    "armed": {},
    "unknown": UNKNOWN,
    "blocked": {
        "states": {"temporal_vega": ("blocked", 0, "blocked: a guard of the policy holds, no new risk (big_top)")},
        "mode": "steward",
        "held": "big_top",
    },
    "all_steps": {"states": {"temporal_vega": ("active", 3, "active: all steps are on")}},
    "no_transition": {"transitions": (), "timeline": ()},
    "policy_changed": {"episode": None, "effective_from": date(2026, 1, 5), "comparison_policy": "newer"},
    "no_account": {"model_nav_usd": None},
    "unreadable_rules": {"conditions": {}},
    "static": {
        "preset_name": "static",
        "states": {"temporal_vega": ("idle", 0, "idle: not used"), "second_engine": ("idle", 0, "idle: not used")},
    },
}


@pytest.mark.parametrize("night", NIGHTS)
def test_every_night_is_rendered_three_ways(night: str) -> None:
    context = build(**NIGHTS[night])
    page, text = render_html(context), render_markdown(context)
    assert json.loads(render_json(context)) == context["state"]
    for rendering in (page, text):
        assert "Hedge layers" in rendering
        assert not re.search(r"\b(None|nan|NaT)\b", rendering)
        assert "self-funded" not in rendering.lower()


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_layers_stand_before_the_curve(render: Any) -> None:
    text = render(build())
    assert text.index("Hedge layers") < text.index("VIX futures curve")


def test_page_says_the_night_in_one_sentence() -> None:
    sentence = "Tonight: base active in VX1, temporal vega armed (waiting for convergence), second engine idle"
    assert sentence in render_html(build())


def test_table_has_state_steps_target_and_why() -> None:
    table = build()["layers"]["table"]
    assert texts(table, "Base") == ["Base", "active", "—", "0.40", "$400", "the base hedge is held in its contract"]
    assert texts(table, "Temporal vega")[:3] == ["Temporal vega", "armed", "0 of 3"]


def test_target_of_an_active_layer_of_options_is_not_a_number() -> None:
    context = build(states={"second_engine": ("active", 1, "active: the call calendars are held")})
    assert texts(context["layers"]["table"], "Second engine")[3:5] == ["in options", "—"]


def test_targets_are_labelled_with_the_model_account() -> None:
    assert "on a model account of $1,000,000, before rounding" in render_html(build())


def test_rules_are_in_boxes_that_open() -> None:
    page = render_html(build())
    assert page.count("<details>") == page.count("</details>") == 11
    assert "vix_close_pts ≥ 25" in page


def test_outlook_is_on_the_page_with_its_distance() -> None:
    page = render_html(build(signals={"vix_close_pts": 23.4}, states={"temporal_vega": ("idle", 0, "idle: calm")}))
    assert "vix_close_pts 23.40 pts, needs ≥ 25: 1.60 pts away" in page


def test_guards_are_counted_apart_from_those_that_cannot_be_evaluated() -> None:
    title = build(**UNKNOWN)["layers"]["guards_title"]
    assert title == "0 of 6 guards hold, 2 not evaluable"


def test_layer_without_a_transition_says_so() -> None:
    context = build(transitions=())
    assert render_html(context).count("No transition yet.") == 3
    assert render_markdown(context).count("No transition yet.") == 3


def test_hostile_words_of_a_policy_stay_text() -> None:
    meanings = {"temporal_vega.arm": "<script>alert(1)</script> **x** [y](z)"}
    context = build(meanings=meanings)
    assert "<script" not in render_html(context)
    assert not re.search(r"(?<!\\)\]\(", render_markdown(context))


def test_facts_of_another_session_are_refused() -> None:
    with pytest.raises(PipelineError, match="not those of the session"):
        make_inputs(hedge=make_facts(as_of=date(2026, 2, 19)))


# -- JSON


def test_json_has_the_policy_that_decides_the_session() -> None:
    assert document()["policy_hash"] == document()["provenance"]["policy_hash"] == "ab" * 32


def test_json_clause_has_values_truth_and_distance() -> None:
    clause = document()["layers"][1]["clauses"][0]
    assert (clause["rule"], clause["values"], clause["truth"]) == ("arm", {"vix_close_pts": 26.1}, True)
    assert clause["terms"][0]["distance"] == pytest.approx(-1.1)


def test_json_of_an_unknown_clause_is_null_with_what_is_missing() -> None:
    clause = next(one for one in document(**UNKNOWN)["layers"][1]["clauses"] if one["rule"] == "converge")
    assert (clause["truth"], clause["terms"][0]["missing"]) == (None, ["is_ts_macd_converging"])


def test_json_transitions_are_those_of_the_session() -> None:
    assert [(one["layer"], one["to_state"]) for one in document()["transitions"]] == [("temporal_vega", "armed")]


def test_json_context_says_why_a_value_is_missing() -> None:
    facts = make_facts({"ad_divergence_z": None}, gaps={"ad_divergence_z": "stale"})
    found = json.loads(render_json(build_report_context(make_inputs(hedge=facts))))["context"]["breadth"]
    assert found["values"]["ad_divergence_z"] is None
    assert found["missing"]["ad_divergence_z"] == "stale"


def test_json_context_has_the_day_a_value_became_known() -> None:
    known = document()["context"]["prices"]["known"]["cpi"]
    assert known == {"date": "2026-02-11", "basis": "estimated"}


# -- context


def test_context_shows_value_and_the_day_it_became_known() -> None:
    assert context_row(build(), "CPI over a year") == ["2.71%", "known since 11 Feb 2026 (estimated)"]


@pytest.mark.parametrize(("status", "word"), [("absent", "absent"), ("stale", "stale"), ("warming_up", "warming up")])
def test_context_has_the_status_word_of_a_missing_value(status: str, word: str) -> None:
    context = build(signals={"vvix_rsi14": None}, gaps={"vvix_rsi14": status})
    assert context_row(context, "RSI of VVIX, 14 sessions") == [word, ""]


def test_context_counts_the_sessions_to_an_event() -> None:
    assert [
        row["cells"][0]["text"] for row in build()["calendar"]["rows"] if row["cells"][1]["text"] == "FOMC decision"
    ] == ["Wed 18 Mar 2026"]


def test_context_says_whether_a_condition_of_the_big_top_is_met() -> None:
    context = build(signals={"is_contango_rich": True})
    assert context_row(context, "Contango") == ["−2.10%", "met"]


# -- chart


@pytest.mark.parametrize("is_compact", [False, True])
def test_layers_chart_is_well_formed_and_names_the_levels(is_compact: bool) -> None:
    svg = draw_layers_chart(build()["charts"]["layers"], is_compact=is_compact)
    ET.fromstring(svg)  # noqa: S314  our own drawing
    assert "leaves 22, arms 25, full 30" in svg


def test_layers_chart_is_the_same_for_the_same_numbers() -> None:
    chart = build()["charts"]["layers"]
    assert draw_layers_chart(chart) == draw_layers_chart(chart)


def test_layers_chart_without_a_close_says_so() -> None:
    rows = tuple({**row, "vix_close_pts": None} for row in make_facts().timeline)
    assert "no value published" in draw_layers_chart(build(timeline=rows)["charts"]["layers"])


def test_layers_chart_describes_itself_for_a_listener() -> None:
    assert "Temporal vega: active 6, armed 7, blocked 7, idle 101." in build()["charts"]["layers"]["description"]
